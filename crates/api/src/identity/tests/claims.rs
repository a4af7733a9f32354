//! Claims that are absent or wrong.

use serde_json::{Value, json};
use todo_test_support::issuer::{Kind, SigningKey};

use super::*;

const NAME: &str = "https://issuer.example";

/// Verifies tokens with these changes to valid claims; null removes one.
fn check(policy: Policy, changes: &[(&str, Value)]) -> Result<super::super::Identity, String> {
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::new(Kind::Ed25519));
    let now = START.unix;
    let mut claims = json!({"iss": NAME, "aud": AUDIENCE, "sub": "ann", "iat": now, "nbf": now, "exp": now + 60});
    for (name, value) in changes {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(*name)),
            value => claims[*name] = value.clone(),
        }
    }
    let mut verifier = with_keys(&json!({"keys": [KEY.jwk()]}), NAME);
    verifier.policy = policy;
    detail(&verifier, &KEY.sign(&claims))
}

#[test]
fn each_wrong_or_absent_claim_is_named() {
    let now = START.unix;
    for (name, values) in [
        (
            "iss",
            &[
                Value::Null,
                json!(""),
                json!("https://issuer.example/"),
                json!([NAME]),
                json!([NAME, "https://other.example"]),
                json!(1),
            ][..],
        ),
        ("aud", &[Value::Null, json!(""), json!("other"), json!([]), json!(["other", 1])]),
        ("sub", &[Value::Null, json!(""), json!(7), json!("é".repeat(256)), json!(["ann"])]),
        (
            "exp",
            &[Value::Null, json!("soon"), json!((now + 60).to_string()), json!(1e300), json!(-1)],
        ),
        ("nbf", &[json!(now + 61), json!("now"), json!(true)]),
        ("iat", &[json!(now + 61), json!("now"), json!({})]),
    ] {
        for value in values {
            let problem = check(policy(NAME), &[(name, value.clone())]).unwrap_err();
            assert!(problem.starts_with("Invalid token: "), "{name} {value}: {problem}");
            assert!(problem.contains(name), "{name} {value}: {problem}");
        }
    }
}

#[test]
fn claims_within_their_limits_are_accepted() {
    let now = START.unix;
    for (name, value) in [
        ("aud", json!(["other", AUDIENCE])),
        ("sub", json!("é".repeat(255))),
        ("exp", json!(now - 59)),
        ("exp", json!(253_402_300_799_i64)),
        ("exp", json!(4_102_444_800.5)),
        ("nbf", json!(now + 60)),
        ("nbf", Value::Null),
        ("iat", json!(now + 60)),
        ("iat", Value::Null),
        ("user", json!({"email": "ann@example.com", "roles": ["x", "y"]})),
    ] {
        check(policy(NAME), &[(name, value.clone())])
            .unwrap_or_else(|problem| panic!("{name} {value}: {problem}"));
    }
}

#[test]
fn a_token_expires_after_the_leeway() {
    let now = START.unix;
    for seconds in [60, 61, 3_600, now] {
        let problem = check(policy(NAME), &[("exp", json!(now - seconds))]).unwrap_err();
        assert_eq!(problem, "The token has expired (exp)", "{seconds}");
    }
    // A renewed token would be no better.
    let problem = check(policy(NAME), &[("exp", json!(0)), ("aud", json!("other"))]).unwrap_err();
    assert!(problem.contains("aud"), "{problem}");
}

#[test]
fn issuer_and_audience_are_unchecked_only_when_that_is_said() {
    let any = Policy { issuers: Accepted::Any, audiences: Accepted::Any, ..policy(NAME) };
    let absent = [("iss", Value::Null), ("aud", Value::Null)];
    let identity = check(any.clone(), &absent).unwrap();
    assert_eq!(identity.user, super::super::subject::user_id("", "ann"));
    assert_eq!(any.warnings().len(), 2);
    assert!(policy(NAME).warnings().is_empty());
}

#[test]
fn the_authorized_party_is_required_where_it_is_configured() {
    let parties = Accepted::Only(vec!["https://app.example.com".to_owned()]);
    let clerk = Policy { audiences: Accepted::Any, authorized_parties: parties, ..policy(NAME) };
    assert!(clerk.warnings().is_empty());
    let azp = |value| check(clerk.clone(), &[("aud", Value::Null), ("azp", value)]);
    azp(json!("https://app.example.com")).unwrap();
    for wrong in [Value::Null, json!("https://evil.example"), json!(["https://app.example.com"])] {
        assert!(azp(wrong).unwrap_err().contains("azp"));
    }
}

#[test]
fn one_of_several_issuers_is_enough() {
    let issuers = Accepted::Only(vec!["https://other.example".to_owned(), NAME.to_owned()]);
    check(Policy { issuers, ..policy(NAME) }, &[]).unwrap();
}
