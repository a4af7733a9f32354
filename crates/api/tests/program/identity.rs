//! The settings of authentication, and where the keys come from.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use todo_test_support::directory::TempDirectory;
use todo_test_support::issuer::{AUDIENCE, Issuer, Kind, SigningKey, unix_time};
use todo_test_support::server::Server;

use crate::sandbox::ADA;
use crate::support::{PROGRAM, run, script_with};

const SECRET: &str = "geheim-geheim-geheim-geheim-gehe";
const MEMORY: &str = "sqlite::memory:";

/// Runs the program with `AUTH=jwt` and these settings, which are wrong.
fn fails(settings: &[(&str, &str)], words: &[&str]) {
    let always = [("DATABASE_URL", MEMORY), ("AUTH", "jwt")];
    run(&[], &[&always, settings].concat()).failed(2, words);
}

#[test]
fn each_wrong_setting_is_named() {
    let issuer = ("JWT_ISSUER", "https://issuer.example");
    let audience = ("JWT_AUDIENCE", AUDIENCE);
    let (secret, url) = (("JWT_SECRET", SECRET), ("JWT_JWKS_URL", "https://issuer.example/jwks"));
    fails(&[secret, audience], &["JWT_ISSUER"]);
    fails(&[secret, issuer], &["JWT_AUDIENCE"]);
    fails(&[issuer, audience], &["JWT_JWKS_URL", "JWT_JWKS_FILE", "JWT_SECRET", "JWT_SECRET_FILE"]);
    fails(&[issuer, audience, secret, url], &["JWT_JWKS_URL and JWT_SECRET are both set"]);
    fails(&[issuer, audience, ("JWT_SECRET", "geheim")], &["JWT_SECRET", "32 bytes"]);
    fails(&[secret, audience, ("JWT_ISSUER", "")], &["JWT_ISSUER", "empty"]);
    fails(&[secret, issuer, ("JWT_AUDIENCE", "a,any")], &["JWT_AUDIENCE", "any"]);
    fails(
        &[secret, issuer, audience, ("JWT_AUTHORIZED_PARTIES", "a,,b")],
        &["JWT_AUTHORIZED_PARTIES"],
    );
    for (url, word) in [
        ("http://issuer.example/jwks", "must be https"),
        ("http://127.0.0.1.example/jwks", "must be https"),
        ("ftp://issuer.example/jwks", "https://"),
        ("issuer.example", "https://"),
        ("/jwks.json", "must be a URL"),
        ("https://me:geheim@issuer.example/jwks", "password"),
        ("https://", "must be a URL"),
    ] {
        fails(&[issuer, audience, ("JWT_JWKS_URL", url)], &["JWT_JWKS_URL", word]);
    }
}

#[test]
fn settings_of_tokens_without_auth_jwt_are_an_error() {
    // Whoever sets them believes that callers are verified.
    for (name, value) in [
        ("JWT_JWKS_URL", "https://issuer.example/jwks"),
        ("JWT_SECRET", SECRET),
        ("JWT_ISSUER", "any"),
    ] {
        run(&[], &[("DATABASE_URL", MEMORY), (name, value)]).failed(2, &[name, "AUTH=jwt"]);
    }
}

#[test]
fn a_key_set_that_cannot_be_read_at_the_start_is_an_error() {
    let directory = TempDirectory::new();
    let file = directory.path().join("jwks.json");
    let path = file.to_str().unwrap();
    let settings = [
        ("DATABASE_URL", MEMORY),
        ("AUTH", "jwt"),
        ("JWT_ISSUER", "any"),
        ("JWT_AUDIENCE", "any"),
        ("JWT_JWKS_FILE", path),
    ];
    let failed = || {
        let output = run(&["--rust-log=off"], &settings);
        assert_eq!(output.code, Some(1), "{output:?}");
        output.stderr
    };
    assert!(failed().contains("JWT_JWKS_FILE"));
    let p521 = json!({"keys": [SigningKey::new(Kind::Es512).jwk()]});
    fs::write(&file, p521.to_string()).unwrap();
    assert!(failed().contains("ES512"));
}

/// The status of a call with this token.
fn status(server: &Server, token: &str) -> u16 {
    let request =
        ureq::get(server.url("/api/v1/me")).header("Authorization", format!("Bearer {token}"));
    request.config().http_status_as_error(false).build().call().unwrap().status().as_u16()
}

fn claims() -> Value {
    let now = unix_time();
    json!({"iss": "https://b.example", "aud": ["x", AUDIENCE], "sub": "ann", "iat": now, "exp": now + 60})
}

fn start(settings: &[(&str, &str)]) -> Server {
    let always = [
        ("AUTH", "jwt"),
        ("JWT_ISSUER", "https://a.example, https://b.example"),
        ("JWT_AUDIENCE", AUDIENCE),
    ];
    Server::start(PROGRAM, MEMORY, &[&always, settings].concat())
}

#[test]
fn a_secret_comes_from_the_environment_or_a_file() {
    let directory = TempDirectory::new();
    let file = directory.path().join("secret");
    fs::write(&file, format!("{SECRET}\r\n")).unwrap();
    let token = SigningKey::from_secret(SECRET.as_bytes()).sign(&claims());
    for setting in [("JWT_SECRET", SECRET), ("JWT_SECRET_FILE", file.to_str().unwrap())] {
        let server = start(&[setting, ("RUST_LOG", "trace")]);
        assert_eq!(status(&server, &token), 200, "{setting:?}");
        assert_eq!(status(&server, &token[..token.len() - 4]), 401);
        let signature = token.rsplit_once('.').unwrap().1;
        for line in server.logs() {
            assert!(!line.contains("geheim") && !line.contains(&signature[..20]), "{line}");
        }
    }
}

#[test]
fn a_key_set_in_a_file_is_read_again_for_an_unknown_key() {
    let directory = TempDirectory::new();
    let file = directory.path().join("jwks.json");
    let (one, two) = (SigningKey::new(Kind::Es256), SigningKey::new(Kind::Rs256));
    let write =
        |key: &SigningKey| fs::write(&file, json!({"keys": [key.jwk()]}).to_string()).unwrap();
    write(&one);
    let server = start(&[("JWT_JWKS_FILE", file.to_str().unwrap())]);
    assert_eq!(status(&server, &one.sign(&claims())), 200);
    write(&two);
    let token = two.sign(&claims());
    while status(&server, &token) != 200 {
        assert_eq!(status(&server, &token), 503);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(status(&server, &one.sign(&claims())), 503, "it may be back already");
}

#[test]
fn an_issuer_whose_certificate_is_not_trusted_is_not_asked() {
    let (issuer, other) = (Issuer::start(&[Kind::Es256]), Issuer::start(&[]));
    let trusted = other.certificate();
    let mut settings = issuer.settings();
    settings.pop();
    settings.push(("SSL_CERT_FILE", trusted.to_str().unwrap().to_owned()));
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = Server::start(PROGRAM, MEMORY, &settings);
    assert_eq!(status(&server, &issuer.token("ann")), 503);
    // The response may be earlier than the log.
    let is_cause =
        |it: &String| it.contains("the key set cannot be fetched") && it.contains("certificate");
    let asked = Instant::now();
    while !server.logs().iter().any(is_cause) {
        assert!(asked.elapsed() < Duration::from_secs(60), "{:?}", server.logs());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(issuer.fetches(), 0);
}

/// The messages of the warnings of a server with these settings.
fn warnings(settings: &[(&str, &str)]) -> Vec<String> {
    let server = Server::start(PROGRAM, MEMORY, settings);
    let lines = server.logs();
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let warnings = lines.filter(|line| line["level"] == "WARN");
    warnings.map(|line| line["fields"]["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_an_operator_may_not_intend_is_warned_of_once() {
    let open = warnings(&[("HOST", "0.0.0.0")]);
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open[0].contains("any user"), "{open:?}");
    assert!(warnings(&[("HOST", "127.0.0.1")]).is_empty());
    let jwt = [("HOST", "0.0.0.0"), ("AUTH", "jwt"), ("JWT_SECRET", SECRET)];
    let checked = [("JWT_ISSUER", "https://a.example"), ("JWT_AUDIENCE", AUDIENCE)];
    assert!(warnings(&[&jwt[..], &checked].concat()).is_empty());
    let any = warnings(&[&jwt[..], &[("JWT_ISSUER", "any"), ("JWT_AUDIENCE", "any")]].concat());
    assert_eq!(any.len(), 2, "{any:?}");
    assert!(any[0].contains("JWT_ISSUER") && any[1].contains("JWT_AUDIENCE"), "{any:?}");
}

#[test]
fn the_user_of_a_subject_is_printed() {
    const ID: &str = "550e8400-e29b-41d4-a716-446655440000";
    assert_eq!(run(&["user-id", ID], &[]).succeeded(), format!("{ID}\n"));
    let (subject, issuer) = ("auth0|62b1c0", "https://issuer.example/");
    let by_flag =
        run(&["user-id", subject, "--issuer", issuer], &[("JWT_ISSUER", "https://other.example")]);
    let expected = "9a5a80e9-eae1-5ef4-8d48-53b6d0b549f2\n";
    assert_eq!(by_flag.succeeded(), expected);
    assert_eq!(run(&["user-id", subject], &[("JWT_ISSUER", issuer)]).succeeded(), expected);
    for several in ["any", "https://a.example,https://b.example"] {
        run(&["user-id", subject], &[("JWT_ISSUER", several)]).failed(2, &["--issuer"]);
    }
    run(&["user-id", subject], &[]).failed(2, &["--issuer"]);
    run(&["user-id", ""], &[]).failed(2, &["255"]);
}

#[test]
fn the_description_of_either_kind_is_printed() {
    let of = |arguments: &[&str]| {
        serde_json::from_str::<Value>(run(arguments, &[]).succeeded()).unwrap()["security"].clone()
    };
    assert_eq!(of(&["openapi"]), json!([{"userId": []}]));
    assert_eq!(of(&["openapi", "--auth", "header"]), json!([{"userId": []}]));
    assert_eq!(of(&["openapi", "--auth", "jwt"]), json!([{"bearer": []}]));
}

#[test]
fn the_sandbox_has_no_authentication() {
    let directory = TempDirectory::new();
    let settings = [("AUTH", "jwt"), ("JWT_SECRET", SECRET), ("DATABASE_TIMEOUT", "30s")];
    let server = Server::start(script_with(&directory, "", "sandbox"), MEMORY, &settings);
    let request = ureq::get(server.url("/api/v1/me")).header("X-User-ID", ADA);
    assert_eq!(request.call().unwrap().status(), 200);
}
