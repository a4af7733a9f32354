//! An issuer that rotates its keys, or fails. Its faults never refuse a token.

use serde_json::json;
use todo_test_support::issuer::{Answer, Kind};

use super::*;

const UNAVAILABLE: (u16, ErrorCode) = (503, ErrorCode::ServiceUnavailable);

fn bench() -> Bench {
    let bench = Bench::new(Issuer::start(&[Kind::Es256]));
    bench.refresh();
    bench
}

/// Everything that an issuer can do wrong.
fn faults() -> Vec<Answer> {
    let big = json!({"keys": [], "padding": "x".repeat(10 * 1024 * 1024)}).to_string();
    vec![
        Answer::Nothing,
        Answer::Status(500),
        Answer::Status(404),
        Answer::Redirect,
        Answer::Document(b"<html>maintenance</html>".to_vec()),
        Answer::Document(br#"{"keys": []}"#.to_vec()),
        Answer::Document(br#"{"keys": [{"kty": "oct", "k": "AAAA"}]}"#.to_vec()),
        Answer::Document(big.into_bytes()),
    ]
}

#[test]
fn before_the_first_key_set_every_token_is_a_503() {
    for fault in faults() {
        let bench = Bench::new(Issuer::start(&[Kind::Es256]));
        bench.issuer.answer(fault.clone());
        bench.refresh();
        assert!(!bench.verifier.has_keys(), "{fault:?}");
        assert_eq!(bench.error(&bench.issuer.token("ann")), UNAVAILABLE);
        // What is no token at all can be judged without keys.
        assert_eq!(bench.error("x"), (401, ErrorCode::InvalidToken));
        // The first retry is after a second.
        bench.issuer.answer(Answer::Keys);
        bench.pass(1);
        bench.refresh();
        bench.verify(&bench.issuer.token("ann")).unwrap();
    }
}

#[test]
fn known_keys_outlive_an_issuer_that_is_away_for_an_hour() {
    let bench = bench();
    let token = bench.issuer.token("ann");
    let mut claims = bench.issuer.claims("ann");
    claims["exp"] = json!(START.unix + 2 * 24 * 3_600);
    let long = bench.issuer.sign(&claims);
    let stranger = todo_test_support::issuer::SigningKey::new(Kind::Es256).sign(&claims);
    let minutes = 60;
    for (minute, fault) in (0..minutes).zip(faults().into_iter().cycle()) {
        bench.issuer.answer(fault.clone());
        bench.pass(60);
        bench.refresh();
        let result = bench.verify(&token).map_err(|it| it.to_string());
        assert!(result.is_ok(), "{minute}: {result:?} after {fault:?}");
        // Whether the issuer has this key by now cannot be known.
        assert_eq!(bench.error(&stranger), UNAVAILABLE);
    }
    // It is asked again and again, but not without a pause.
    assert!((10..=minutes + 1).contains(&bench.issuer.fetches()), "{}", bench.issuer.fetches());

    // After a day the keys are too old, and then there are none.
    bench.pass(23 * 3_600 - 60);
    bench.verify(&long).unwrap();
    bench.pass(120);
    assert_eq!(bench.error(&long), UNAVAILABLE);
    assert!(!bench.verifier.has_keys());
    // Until it is back.
    bench.issuer.answer(Answer::Keys);
    bench.refresh();
    bench.verify(&long).unwrap();
}

#[test]
fn a_slow_issuer_is_given_up_after_seconds() {
    let bench = bench();
    bench.issuer.answer(Answer::Slow(Duration::from_millis(100)));
    bench.pass(600);
    // Its keys would take half a minute.
    bench.refresh();
    bench.verify(&bench.issuer.token("ann")).unwrap();
    assert_eq!(bench.issuer.fetches(), 2);
}

#[test]
fn an_unknown_key_makes_one_fetch_in_ten_seconds() {
    let bench = bench();
    let old = bench.issuer.token("ann");
    bench.pass(5);
    bench.issuer.rotate(&[Kind::Rs256]);
    let new = bench.issuer.token("ann");
    // The key set is too young to be fetched again, and may lack the key.
    let Err(ApiError::KeysUnavailable { retry_after }) = bench.verify(&new) else { panic!() };
    assert_eq!(retry_after, Duration::from_secs(5));
    bench.refresh();
    assert_eq!(bench.issuer.fetches(), 1);

    bench.pass(5);
    let Err(ApiError::KeysUnavailable { retry_after }) = bench.verify(&new) else { panic!() };
    assert_eq!(retry_after, WAITS);
    bench.refresh();
    assert_eq!(bench.issuer.fetches(), 2);
    bench.verify(&new).unwrap();
    // The issuer no longer has the old key.
    bench.pass(120);
    let mut claims = bench.issuer.claims("ann");
    claims["iat"] = json!(START.unix - 60);
    bench.refresh();
    let generation = bench.verifier.generation();
    assert!(matches!(bench.verify(&old), Err(ApiError::KeysUnavailable { retry_after: WAITS })));
    bench.refresh();
    assert_eq!(bench.error(&old), (401, ErrorCode::InvalidToken));
    assert_eq!(bench.verifier.generation(), generation, "the same keys are no new generation");
}

#[test]
fn a_flood_of_unknown_keys_costs_one_fetch_and_no_good_token() {
    let bench = bench();
    bench.pass(60);
    let good = bench.issuer.token("ann");
    let stranger = todo_test_support::issuer::SigningKey::new(Kind::Es256);
    for number in 0..10_000 {
        let mut claims = bench.issuer.claims("eve");
        claims["iat"] = json!(START.unix - 3_600);
        let header = json!({"alg": "ES256", "kid": number.to_string()});
        let token = if number < 20 {
            stranger.sign_with(&header, &claims)
        } else {
            // Signing is slow, and the key is not known anyway.
            let part = |it: &serde_json::Value| {
                todo_test_support::issuer::base64url(it.to_string().as_bytes())
            };
            format!("{}.{}.AAAA", part(&header), part(&claims))
        };
        let (status, _) = bench.error(&token);
        assert!(if number == 0 { status == 503 } else { status == 401 || status == 503 });
        if number % 100 == 0 {
            bench.refresh();
            bench.verify(&good).unwrap();
        }
    }
    assert_eq!(bench.issuer.fetches(), 2);
}

#[test]
fn the_issuer_decides_how_long_its_keys_are_used() {
    let bench = Bench::new(Issuer::start(&[Kind::Ed25519]));
    bench.issuer.cache_control("public, max-age=120");
    bench.refresh();
    bench.pass(119);
    bench.refresh();
    assert_eq!(bench.issuer.fetches(), 1);
    bench.pass(1);
    bench.refresh();
    assert_eq!(bench.issuer.fetches(), 2);
}

#[test]
fn a_certificate_of_another_authority_is_refused() {
    let (bench, other) = (bench(), Issuer::start(&[Kind::Es256]));
    let pem = std::fs::read(other.certificate()).unwrap();
    let roots = RootCerts::from(vec![Certificate::from_pem(&pem).unwrap().to_owned()]);
    let problem = Source::url(bench.issuer.url(), roots).fetch().unwrap_err();
    assert!(problem.contains("certificate"), "{problem}");
}
