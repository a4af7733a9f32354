//! What is accepted as a key set, and what is skipped in one.

use serde_json::json;
use todo_test_support::issuer::{Kind, SigningKey};

use super::*;

fn problem(json: &[u8]) -> String {
    KeySet::parse(json).unwrap_err()
}

#[test]
fn what_is_no_key_set_is_refused() {
    for json in [&b""[..], b"<html>", b"[]", b"{}", b"null", br#"{"keys": {}}"#, b"\xff\xfe"] {
        assert!(problem(json).contains("not a JWK set"), "{json:?}");
    }
    assert!(problem(br#"{"keys": []}"#).contains("no key"));
}

#[test]
fn a_bad_key_does_not_spoil_the_good_ones() {
    let (rsa, p256, good) =
        (SigningKey::new(Kind::Rs256), SigningKey::new(Kind::Es256), SigningKey::new(Kind::Es256));
    let with = |key: &SigningKey, name: &str, value: serde_json::Value| {
        let mut jwk = key.jwk();
        jwk[name] = value;
        jwk
    };
    let bad = [
        json!(null),
        json!("key"),
        json!({"kty": 5}),
        json!({"kty": "AKP", "alg": "ML-DSA-65"}),
        json!({"kty": "EC", "crv": "P-256"}),
        json!({"kty": "OKP", "crv": "X25519", "x": "AAAA"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}),
        with(&p256, "x", json!("AAAA")),
        with(&p256, "x", json!("not base64url!")),
        with(&p256, "alg", json!("RS256")),
        with(&p256, "alg", json!("HS256")),
        with(&p256, "alg", json!(256)),
        with(&rsa, "alg", json!("RSA-OAEP")),
        // 1,024 bits.
        with(&rsa, "n", json!("x".repeat(171))),
        with(&rsa, "n", json!("")),
    ];
    let count = bad.len();
    let mut keys = bad.to_vec();
    keys.push(good.jwk());
    let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    assert_eq!((set.len(), set.skipped().len()), (1, count), "{:?}", set.skipped());
    // Also if it is only of bad ones.
    keys.pop();
    assert!(problem(json!({ "keys": keys }).to_string().as_bytes()).contains("no key"));
}

#[test]
fn debug_output_has_no_secret() {
    let secret = super::super::keys::Secret::new(b"geheim-geheim-geheim-geheim-gehe".to_vec());
    let set = KeySet::secret(secret.bytes());
    let text = format!("{secret:?} {set:?}");
    assert!(!text.contains("geheim") && !text.contains("103, 101, 104"), "{text}");
}
