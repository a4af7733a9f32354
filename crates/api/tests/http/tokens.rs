//! The caller: a bearer token.

use serde_json::{Value, json};
use todo_test_support::database::TestDatabase;
use todo_test_support::issuer::{Kind, SigningKey, unix_time};
use uuid::Uuid;

use crate::support::{Api, ME, Response, TODOS};
use crate::{description, isolation};

/// The challenge of a request without a token.
const CHALLENGE: &str = "Bearer realm=\"todo-api\"";

/// Sends these values of `Authorization`.
#[track_caller]
fn authorized(api: &Api, values: &[&str]) -> Response {
    let raw = api.raw("GET", TODOS);
    values.iter().fold(raw, |raw, value| raw.header("Authorization", value)).send()
}

pub(crate) fn every_operation_needs_a_token(database: TestDatabase) {
    let api = Api::with_tokens(database);
    let operations = api.user_operations();
    assert_eq!(operations.len(), 15, "{operations:?}");
    let todo = Uuid::now_v7().to_string();
    for operation in operations {
        for name in ["X-User-ID", "X-Other"] {
            let call = operation.call(&api.anonymous(), &todo);
            let response = call.header(name, &Uuid::new_v4().to_string()).send();
            response.expect_error(401, "MISSING_TOKEN", "Authentication required");
            assert_eq!(response.header("www-authenticate"), Some(CHALLENGE));
        }
    }
    let token = api.issuer.as_ref().unwrap().token("ann");
    for none in ["", "Bearer", "Bearer ", "Basic YTpi", &token, "Token x", "Bearerx y"] {
        let response = authorized(&api, &[none]);
        response.expect_error(401, "MISSING_TOKEN", "Authentication required");
        assert_eq!(response.header("www-authenticate"), Some(CHALLENGE));
    }
}

pub(crate) fn a_token_names_its_user_and_the_header_does_not(database: TestDatabase) {
    let api = Api::with_tokens(database);
    let issuer = api.issuer.as_ref().unwrap();
    let mut claims = issuer.claims("auth0|62b1c0");
    let expiry = unix_time() / 60 * 60 + 600;
    claims["exp"] = json!(expiry);
    let token = issuer.sign(&claims);
    let me = |scheme: &str| {
        let call = api.anonymous().call("GET", ME).header("X-User-ID", &Uuid::nil().to_string());
        call.header("Authorization", &format!("{scheme} {token}")).send().expect(200)
    };
    let identity = me("Bearer");
    // The second answer is from the cache.
    assert_eq!(me("bEARER"), identity);
    assert_eq!(identity["subject"], "auth0|62b1c0");
    let expires_at = identity["expires_at"].as_str().unwrap();
    assert!(expires_at.ends_with(":00.000000Z") && expires_at.len() == 27, "{expires_at}");
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, issuer.name().as_bytes());
    let user = Uuid::new_v5(&namespace, b"auth0|62b1c0").to_string();
    assert_eq!(identity["user_id"], user);

    // A subject that is a UUID is the user's id.
    let ann = api.user();
    assert_eq!(ann.get(ME).expect(200)["user_id"], ann.id());
    assert_eq!(ann.create("Mine")["user_id"], ann.id());
}

pub(crate) fn a_refused_token_says_why(database: TestDatabase) {
    let api = Api::with_tokens(database);
    let issuer = api.issuer.as_ref().unwrap();
    let with = |name: &str, value: Value| {
        let mut claims = issuer.claims("ann");
        claims[name] = value;
        format!("Bearer {}", issuer.sign(&claims))
    };
    let good = format!("Bearer {}", issuer.token("ann"));
    authorized(&api, &[&good]).expect(200);
    let expired = with("exp", json!(unix_time() - 61));
    let stranger = SigningKey::new(Kind::Ed25519);
    let header = json!({"alg": "EdDSA", "kid": issuer.keys()[0].kid});
    let forged = format!("Bearer {}", stranger.sign_with(&header, &issuer.claims("ann")));
    let long = format!("Bearer {}", "a".repeat(100 * 1024));
    for (values, code, word) in [
        (&[expired.as_str()][..], "TOKEN_EXPIRED", "exp"),
        (&[&with("aud", json!("other"))], "INVALID_TOKEN", "aud"),
        (&[&with("iss", json!("https://other.example"))], "INVALID_TOKEN", "iss"),
        (&[&with("sub", Value::Null)], "INVALID_TOKEN", "sub"),
        (&[&with("nbf", json!(unix_time() + 3_600))], "INVALID_TOKEN", "nbf"),
        (&[&forged], "INVALID_TOKEN", "signature"),
        (&[&long], "INVALID_TOKEN", "8 KiB"),
        (&["Bearer geheim"], "INVALID_TOKEN", "three parts"),
        (&["Bearer é"], "INVALID_TOKEN", "three parts"),
        (&[&good, &good], "INVALID_TOKEN", "more than one"),
    ] {
        let response = authorized(&api, values);
        let body = response.expect(401);
        assert_eq!(body["error_code"], code, "{body}");
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{body}");
        let challenge =
            format!("{CHALLENGE}, error=\"invalid_token\", error_description=\"{detail}\"");
        assert_eq!(response.header("www-authenticate"), Some(challenge.as_str()));
        assert!(!response.text().contains("geheim"));
    }
    assert!(api.server.logs().iter().all(|line| !line.contains("geheim")));
}

pub(crate) fn another_users_todo_looks_like_an_absent_one(database: TestDatabase) {
    isolation::another_users_todo_looks_like_an_absent_one(Api::with_tokens(database));
}

pub(crate) fn operations_on_many_todos_affect_only_the_callers_own(database: TestDatabase) {
    isolation::operations_on_many_todos_affect_only_the_callers_own(Api::with_tokens(database));
}

pub(crate) fn concurrent_users_see_only_their_own_todos(database: TestDatabase) {
    isolation::concurrent_users_see_only_their_own_todos(Api::with_tokens(database));
}

pub(crate) fn the_operations_succeed_with_their_examples_in_their_order(database: TestDatabase) {
    let api = Api::with_tokens(database);
    description::the_operations_succeed_with_their_examples_in_their_order(api);
}

pub(crate) fn the_description_is_the_one_of_tokens(database: TestDatabase) {
    let api = Api::with_tokens(database);
    let document = &api.description.document;
    let scheme = &document["components"]["securitySchemes"]["bearer"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    assert_eq!(document["components"]["securitySchemes"].as_object().unwrap().len(), 1);
    assert_eq!(document["security"], json!([{"bearer": []}]));
    assert!(!document.to_string().contains("X-User-ID"));
    for operation in api.user_operations() {
        let responses = &operation.value["responses"];
        let examples = &responses["401"]["content"]["application/problem+json"]["examples"];
        let examples = examples.as_object().unwrap().values();
        let mut codes: Vec<_> =
            examples.map(|it| it["value"]["error_code"].as_str().unwrap()).collect();
        codes.sort_unstable();
        assert_eq!(codes, ["INVALID_TOKEN", "MISSING_TOKEN", "TOKEN_EXPIRED"], "{}", operation.id);
        assert!(responses.get("503").is_some(), "{}", operation.id);
        // Only these can still be bad in that way.
        let can_be_bad = operation.has_parameter("todo_id") || operation.has_parameter("If-Match");
        assert_eq!(responses.get("400").is_some(), can_be_bad, "{}", operation.id);
    }
    description::every_operation_is_documented(api);
}
