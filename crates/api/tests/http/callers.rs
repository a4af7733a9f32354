//! The caller: `X-User-ID`.

use std::slice;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, ME, TODOS, path_of};

pub(crate) fn a_caller_without_an_id_is_rejected(api: Api) {
    let operations = api.user_operations();
    assert_eq!(operations.len(), 15, "{operations:?}");
    let todo = Uuid::now_v7().to_string();
    for operation in operations {
        let response = operation.call(&api.anonymous(), &todo).send();
        let problem = response.expect_error(400, "MISSING_USER_CONTEXT", "User context required");
        assert_eq!(fields(&problem), ["X-User-ID"]);
    }
    for empty in ["", " ", "\t"] {
        let response = api.raw("GET", TODOS).header("X-User-ID", empty).send();
        response.expect_error(400, "MISSING_USER_CONTEXT", "User context required");
    }
}

pub(crate) fn a_user_id_that_is_not_one_uuid_is_rejected(api: Api) {
    let id = Uuid::new_v4().to_string();
    for malformed in [
        "me".to_owned(),
        "0".to_owned(),
        id.replace('-', ""),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        format!("{id}{id}"),
        format!("{id}, {id}"),
        id[1..].to_owned(),
        format!("\"{id}\""),
        "x".repeat(5_000),
    ] {
        let response = api.user_with_id(&malformed).get(TODOS);
        response.expect_error(400, "VALIDATION_ERROR", "Invalid user ID format");
    }
    let bytes = api.raw("GET", TODOS).header("X-User-ID", b"\xff\xfe\xc3\xa9").send();
    bytes.expect_error(400, "VALIDATION_ERROR", "Invalid user ID format");
    let twice = api.raw("GET", TODOS).header("X-User-ID", &id).header("X-User-ID", &id).send();
    twice.expect_error(400, "VALIDATION_ERROR", "Invalid user ID format");
}

pub(crate) fn every_operation_rejects_malformed_ids(api: Api) {
    let todo = Uuid::now_v7().to_string();
    for operation in api.user_operations() {
        let response = operation.call(&api.user_with_id("me"), &todo).send();
        let problem = response.expect_error(400, "VALIDATION_ERROR", "Invalid user ID format");
        assert_eq!(fields(&problem), ["X-User-ID"]);
        if operation.has_parameter("todo_id") {
            let response = operation.call(&api.user(), "17").send();
            let problem = response.expect_error(400, "VALIDATION_ERROR", "Invalid todo ID format");
            assert_eq!(fields(&problem), ["todo_id"]);
        }
    }
}

pub(crate) fn the_nil_uuid_is_a_user_like_any_other(api: Api) {
    let nil = api.user_with_id(&Uuid::nil().to_string());
    let todo = nil.create("Nobody's business");
    assert_eq!(nil.items(TODOS), slice::from_ref(&todo));
    api.user_with_id(&Uuid::max().to_string()).patch(path_of(&todo), &json!({})).expect_not_found();
}

pub(crate) fn a_caller_is_told_who_they_are(api: Api) {
    let ann = api.user();
    let expected = json!({"user_id": ann.id(), "subject": null, "expires_at": null});
    assert_eq!(ann.get(ME).expect(200), expected);
    ann.get(format!("{ME}?x=1")).expect_invalid_fields(&["x"]);
    // A token is not looked at.
    let response = ann.call("GET", ME).header("Authorization", "Bearer x").send();
    assert_eq!(response.expect(200), expected);
}

/// The fields that an error names, which include headers and parameters.
fn fields(problem: &Value) -> Vec<&str> {
    let errors = problem["field_errors"].as_array().unwrap();
    errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
}
