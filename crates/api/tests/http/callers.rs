//! Who calls: `X-User-ID`.

use std::slice;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, TODOS, path_of};

pub(crate) fn nobody_is_told_to_say_who_calls(api: Api) {
    let operations = api.operations_of_users();
    assert_eq!(operations.len(), 9, "{operations:?}");
    let todo = Uuid::now_v7().to_string();
    for operation in operations {
        let answer = operation.call(&api.nobody(), &todo).send();
        let problem = answer.refused(400, "MISSING_USER_CONTEXT", "User context required");
        assert_eq!(fields(&problem), ["X-User-ID"]);
    }
    for empty in ["", " ", "\t"] {
        let answer = api.raw("GET", TODOS).header("X-User-ID", empty).send();
        answer.refused(400, "MISSING_USER_CONTEXT", "User context required");
    }
}

pub(crate) fn what_is_not_one_uuid_is_nobodys_name(api: Api) {
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
        let answer = api.named(&malformed).get(TODOS);
        answer.refused(400, "VALIDATION_ERROR", "Invalid user ID format");
    }
    let bytes = api.raw("GET", TODOS).header("X-User-ID", b"\xff\xfe\xc3\xa9").send();
    bytes.refused(400, "VALIDATION_ERROR", "Invalid user ID format");
    let twice = api.raw("GET", TODOS).header("X-User-ID", &id).header("X-User-ID", &id).send();
    twice.refused(400, "VALIDATION_ERROR", "Invalid user ID format");
}

pub(crate) fn every_operation_refuses_a_malformed_name_or_id(api: Api) {
    let todo = Uuid::now_v7().to_string();
    for operation in api.operations_of_users() {
        let answer = operation.call(&api.named("me"), &todo).send();
        let problem = answer.refused(400, "VALIDATION_ERROR", "Invalid user ID format");
        assert_eq!(fields(&problem), ["X-User-ID"]);
        if operation.takes("todo_id") {
            let answer = operation.call(&api.user(), "17").send();
            let problem = answer.refused(400, "VALIDATION_ERROR", "Invalid todo ID format");
            assert_eq!(fields(&problem), ["todo_id"]);
        }
    }
}

pub(crate) fn the_nil_uuid_is_a_user_like_any_other(api: Api) {
    let nil = api.named(&Uuid::nil().to_string());
    let todo = nil.create("Nobody's business");
    assert_eq!(nil.items(TODOS), slice::from_ref(&todo));
    api.named(&Uuid::max().to_string()).patch(path_of(&todo), &json!({})).not_found();
}

/// What a problem finds fault with: headers and parameters count as fields.
fn fields(problem: &Value) -> Vec<&str> {
    let errors = problem["field_errors"].as_array().unwrap();
    errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
}
