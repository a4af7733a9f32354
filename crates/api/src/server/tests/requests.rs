//! Invalid requests, and what every request has in common.

use super::*;

#[actix_web::test]
async fn every_invalid_field_of_a_body_is_named_and_the_repository_is_not_called() {
    let cases = [
        (json!({}), json!([["title", "is required"]])),
        (
            json!({"title": 1, "description": {}}),
            json!([
                ["description", "must be a string, not an object"],
                ["title", "must be a string, not a number"]
            ]),
        ),
        (
            json!({"title": " ", "description": "x".repeat(2_001)}),
            json!([
                ["description", "must be at most 2000 characters long, but has 2001"],
                ["title", "must contain at least one character that is not white space"]
            ]),
        ),
        (json!({"title": null}), json!([["title", "must be a string, not null"]])),
        (json!({"title": "a\u{0}"}), json!([["title", "must not contain the character U+0000"]])),
        (json!([]), json!([["body", "must be a JSON object"]])),
    ];
    for (body, expected) in cases {
        let response = call(unused(), many(Method::POST, "").set_json(&body)).await;
        assert_eq!(response.error(), (422, "VALIDATION_ERROR", "Validation error"));
        let named: Vec<_> = response.body["field_errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| json!([error["field"], error["message"]]))
            .collect();
        assert_eq!(json!(named), expected, "{body}");
    }
}

#[actix_web::test]
async fn a_json_syntax_error_has_its_position() {
    let request = many(Method::POST, "")
        .insert_header(("Content-Type", "application/json"))
        .set_payload("{\"title\": \"x\",}");
    let response = call(unused(), request).await;
    assert_eq!(response.error().0, 422);
    let message = response.body["field_errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("line 1 column"), "{message}");
}

#[actix_web::test]
async fn the_caller_must_be_one_uuid() {
    let without_caller = TestRequest::with_uri("/api/v1/todos");
    let response = call(unused(), without_caller).await;
    assert_eq!(response.error(), (400, "MISSING_USER_CONTEXT", "User context required"));
    let malformed = TestRequest::with_uri("/api/v1/todos").insert_header(("X-User-ID", "me"));
    let response = call(unused(), malformed).await;
    assert_eq!(response.error(), (400, "VALIDATION_ERROR", "Invalid user ID format"));
}

#[actix_web::test]
async fn an_id_that_is_not_a_uuid_is_rejected() {
    let request = as_alice(TestRequest::with_uri("/api/v1/todos/17"));
    let response = call(unused(), request).await;
    assert_eq!(response.error(), (400, "VALIDATION_ERROR", "Invalid todo ID format"));
}

#[actix_web::test]
async fn every_invalid_query_parameter_is_named() {
    let query = "?limit=0&sort=id&is_completed=1&cursor=x&q=a%00";
    let response = call(unused(), many(Method::GET, query)).await;
    assert_eq!(response.error().0, 422);
    let mut named: Vec<_> = response.body["field_errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    named.sort_unstable();
    assert_eq!(named, ["cursor", "is_completed", "limit", "q", "sort"]);
}

#[actix_web::test]
async fn unknown_routes_and_methods_have_different_errors() {
    let response = call(unused(), TestRequest::with_uri("/nope")).await;
    assert_eq!(response.error(), (404, "NOT_FOUND", "Resource not found"));
    let response = call(unused(), one(Method::POST)).await;
    assert_eq!(response.error().1, "METHOD_NOT_ALLOWED");
    assert_eq!(response.header("allow"), "GET, HEAD, PUT, PATCH, DELETE");
}

#[actix_web::test]
async fn bodies_of_another_type_or_size_are_rejected() {
    let text = many(Method::POST, "")
        .insert_header(("Content-Type", "text/plain"))
        .set_payload("{\"title\":\"x\"}");
    assert_eq!(call(unused(), text).await.error().1, "UNSUPPORTED_MEDIA_TYPE");
    let zipped = many(Method::POST, "")
        .set_json(json!({"title": "x"}))
        .insert_header(("Content-Encoding", "gzip"));
    assert_eq!(call(unused(), zipped).await.error().0, 415);
    let huge = many(Method::POST, "").set_json(json!({"title": "x", "pad": "x".repeat(65_536)}));
    assert_eq!(call(unused(), huge).await.error().1, "PAYLOAD_TOO_LARGE");
}

#[actix_web::test]
async fn a_valid_request_id_is_kept() {
    let request = TestRequest::with_uri("/health").insert_header(("X-Request-ID", "trace-1"));
    assert_eq!(call(unused(), request).await.header("x-request-id"), "trace-1");
}
