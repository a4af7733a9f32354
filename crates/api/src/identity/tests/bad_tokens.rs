//! Tokens that somebody forged.

use serde_json::{Value, json};
use todo_test_support::issuer::{Kind, SigningKey, base64url};

use super::super::keys::KeySet;
use super::super::token::MAX_BYTES;
use super::*;

const NAME: &str = "https://issuer.example";
const KINDS: [Kind; 5] = [Kind::Rs256, Kind::Ps256, Kind::Es256, Kind::Es384, Kind::Ed25519];

fn claims() -> Value {
    let now = START.unix;
    json!({"iss": NAME, "aud": AUDIENCE, "sub": "ann", "iat": now - 600, "exp": now + 600})
}

fn key_set(keys: &[&SigningKey]) -> Value {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()})
}

#[test]
fn a_token_of_each_supported_algorithm_is_accepted_with_and_without_alg_in_the_key() {
    for kind in KINDS {
        let key = SigningKey::new(kind);
        let mut jwk = key.jwk();
        for _ in 0..2 {
            let verifier = with_keys(&json!({"keys": [jwk]}), NAME);
            let identity = detail(&verifier, &key.sign(&claims())).unwrap();
            let session = identity.session.unwrap();
            assert_eq!(session.subject, "ann", "{kind:?}");
            assert_eq!(session.expires_at.timestamp(), START.unix + 600);
            assert_eq!(identity.user, crate::identity::subject::user_id(NAME, "ann"));
            jwk.as_object_mut().unwrap().remove("alg");
        }
    }
}

#[test]
fn the_name_of_rfc_9864_for_ed25519_is_accepted() {
    let key = SigningKey::new(Kind::Ed25519);
    let mut jwk = key.jwk();
    jwk["alg"] = json!("Ed25519");
    let verifier = with_keys(&json!({"keys": [jwk]}), NAME);
    let token = key.sign_with(&json!({"alg": "Ed25519", "kid": key.kid}), &claims());
    detail(&verifier, &token).unwrap();
}

#[test]
fn a_secret_verifies_only_tokens_that_it_signed() {
    let secret = b"0123456789abcdef0123456789abcdef";
    let store = Arc::new(KeyStore::fixed(KeySet::secret(secret)));
    let verifier = Verifier::new(store, policy(NAME), Arc::new(|| *START));
    let (key, other) = (SigningKey::from_secret(secret), SigningKey::from_secret(b"another"));
    detail(&verifier, &key.sign(&claims())).unwrap();
    // The name of a key means nothing here.
    detail(&verifier, &key.sign_with(&json!({"alg": "HS256"}), &claims())).unwrap();
    for token in [
        other.sign(&claims()),
        key.sign_with(&json!({"alg": "HS512"}), &claims()),
        SigningKey::new(Kind::Rs256).sign(&claims()),
        SigningKey::new(Kind::Ed25519).sign(&claims()),
    ] {
        let problem = detail(&verifier, &token).unwrap_err();
        assert!(problem.starts_with("Invalid token: the token is not signed"), "{problem}");
    }
}

#[test]
fn the_algorithm_comes_from_the_key_and_never_from_the_token() {
    let keys = KINDS.map(SigningKey::new);
    let verifier = with_keys(&key_set(&keys.each_ref()), NAME);
    for key in &keys {
        for alg in ["RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA", "HS256", "HS512"] {
            if alg == key.kind.algorithm() {
                continue;
            }
            let token = key.sign_with(&json!({"alg": alg, "kid": key.kid}), &claims());
            let problem = detail(&verifier, &token).unwrap_err();
            assert!(problem.contains("(alg) is not the one of its key"), "{alg}: {problem}");
        }
        for none in ["none", "None", "nOnE", ""] {
            let token = key.sign_with(&json!({"alg": none, "kid": key.kid}), &claims());
            let unsigned = token.rsplit_once('.').unwrap().0;
            for token in [token.clone(), format!("{unsigned}.")] {
                let problem = detail(&verifier, &token).unwrap_err();
                assert!(problem.contains("(alg) is none of"), "{problem}");
            }
        }
    }
}

#[test]
fn a_public_key_is_not_a_secret() {
    for kind in KINDS {
        let key = SigningKey::new(kind);
        let verifier = with_keys(&key_set(&[&key]), NAME);
        let raw = key.jwk()["x"].as_str().unwrap_or_default().to_owned().into_bytes();
        for secret in [key.public_pem(), key.public_pem().trim_ascii().to_vec(), raw] {
            if secret.is_empty() {
                continue;
            }
            let forger = SigningKey::from_secret(&secret);
            for header in [json!({"alg": "HS256", "kid": key.kid}), json!({"alg": "HS256"})] {
                let token = forger.sign_with(&header, &claims());
                assert!(verifier.verify(&token).now_or_never().is_none_or(|it| it.is_err()));
            }
        }
    }
}

#[test]
fn encryption_keys_and_symmetric_keys_of_a_key_set_verify_nothing() {
    let (good, encrypts) = (SigningKey::new(Kind::Rs256), SigningKey::new(Kind::Rs256));
    let (operations, secret) = (SigningKey::new(Kind::Es256), SigningKey::new(Kind::Hs256));
    let mut keys = key_set(&[&good, &encrypts, &operations, &secret]);
    keys["keys"][1]["use"] = json!("enc");
    keys["keys"][2]["key_ops"] = json!(["encrypt"]);
    let set = KeySet::parse(keys.to_string().as_bytes()).unwrap();
    assert_eq!((set.len(), set.skipped().len()), (1, 3));
    let bench = Bench::new(Issuer::start(&[Kind::Es256]));
    bench.issuer.answer(todo_test_support::issuer::Answer::Document(keys.to_string().into()));
    bench.refresh();
    let mut claims = bench.issuer.claims("ann");
    claims["iat"] = json!(START.unix - 600);
    assert!(bench.verify(&good.sign(&claims)).is_ok());
    for key in [encrypts, operations, secret] {
        // The key set is fresh, and does not have a key of that name for signatures.
        assert_eq!(bench.error(&key.sign(&claims)), (401, ErrorCode::InvalidToken));
    }
}

#[test]
fn algorithms_that_are_not_supported_are_refused_by_their_name() {
    let (good, p521, ed448) =
        (SigningKey::new(Kind::Es256), SigningKey::new(Kind::Es512), SigningKey::new(Kind::Ed448));
    let verifier = with_keys(&key_set(&[&good, &p521, &ed448]), NAME);
    let problem = detail(&verifier, &p521.sign(&claims())).unwrap_err();
    assert_eq!(problem, "Invalid token: the algorithm ES512 is not supported");
    let problem = detail(&verifier, &ed448.sign(&claims())).unwrap_err();
    assert_eq!(problem, "Invalid token: the key of the token is for Ed448, which is not supported");
    let only = KeySet::parse(key_set(&[&p521, &ed448]).to_string().as_bytes()).unwrap_err();
    assert!(only.contains("ES512") && only.contains("Ed448"), "{only}");
}

#[test]
fn a_damaged_token_is_refused() {
    let key = SigningKey::new(Kind::Es256);
    let verifier = with_keys(&key_set(&[&key]), NAME);
    let token = key.sign(&claims());
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let mut other = claims();
    other["sub"] = json!("bob");
    let other = base64url(other.to_string().as_bytes());
    let critical = json!({"alg": "ES256", "kid": key.kid, "crit": ["b64"]});
    for damaged in [
        String::new(),
        "x".to_owned(),
        "..".to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}.{signature}.x"),
        format!("{header}.{other}.{signature}"),
        format!("{header}.{payload}.{}", &signature[4..]),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{}", base64url(&[0; 64])),
        format!("{header}.{}.{signature}", base64url(b"[]")),
        format!("{}.{payload}.{signature}", base64url(b"{}")),
        key.sign_with(&critical, &claims()),
        format!("{header}.{payload}.{}", "A".repeat(MAX_BYTES)),
        "a.".repeat(50_000),
    ] {
        let problem = detail(&verifier, &damaged).unwrap_err();
        assert!(problem.starts_with("Invalid token: "), "{problem}");
        assert!(problem.is_ascii() && !problem.contains(['"', '\\']), "{problem}");
    }
    detail(&verifier, &token).unwrap();
}

#[test]
fn without_a_kid_the_fitting_keys_are_tried() {
    let keys = [Kind::Es256, Kind::Rs256, Kind::Es256].map(SigningKey::new);
    let verifier = with_keys(&key_set(&keys.each_ref()), NAME);
    for key in &keys {
        let header = json!({"alg": key.kind.algorithm()});
        detail(&verifier, &key.sign_with(&header, &claims())).unwrap();
    }
}
