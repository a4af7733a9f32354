//! `PUT` with `If-None-Match: *` or `If-Match`.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, Client, Response, TODOS, path_of, todo_path};

const DETAIL: &str = "The todo does not match the condition; nothing was changed";

fn put_if(client: &Client<'_>, path: &str, headers: &[(&str, &str)]) -> Response {
    let body = json!({"title": "Put", "description": null, "is_completed": true});
    let call = client.call("PUT", path).json(&body);
    headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send()
}

pub(crate) fn only_if_absent_creates(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let path = todo_path(&Uuid::new_v4().to_string());
    let only_create = [("If-None-Match", "*")];
    put_if(&ann, &path, &only_create).expect(201);
    // Another user's todo does not matter.
    put_if(&bob, &path, &only_create).expect(201);
}

pub(crate) fn only_if_absent_fails_on_an_existing_todo_and_returns_it(api: Api) {
    let ann = api.user();
    let todo = ann.create("There already");
    let response = put_if(&ann, &path_of(&todo), &[("If-None-Match", "*")]);
    assert_eq!(response.expect_error(412, "PRECONDITION_FAILED", DETAIL)["current"], todo);
    assert_eq!(response.header("etag"), Some("\"1\""));
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn only_if_present_creates_nothing(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let his = bob.create("Bob's");
    for path in [todo_path(&Uuid::new_v4().to_string()), path_of(&his)] {
        for tags in ["*", "\"1\""] {
            let response = put_if(&ann, &path, &[("If-Match", tags)]);
            let body = response.expect_error(412, "PRECONDITION_FAILED", DETAIL);
            assert_eq!(body.get("current"), Some(&Value::Null));
            assert_eq!(response.header("etag"), None);
        }
    }
    assert!(ann.items(TODOS).is_empty());
    assert_eq!(bob.items(TODOS), [his]);
}

pub(crate) fn only_if_present_replaces(api: Api) {
    let ann = api.user();
    let path = path_of(&ann.create("Present"));
    assert_eq!(put_if(&ann, &path, &[("If-Match", "*")]).expect(200)["version"], 2);
    // Repeating the put changes nothing, but its condition has to hold.
    assert_eq!(put_if(&ann, &path, &[("If-Match", "\"2\"")]).expect(200)["version"], 2);
    let stale = put_if(&ann, &path, &[("If-Match", "\"1\"")]);
    assert_eq!(stale.expect_error(412, "PRECONDITION_FAILED", DETAIL)["current"]["version"], 2);
}

pub(crate) fn both_conditions_have_to_hold(api: Api) {
    let ann = api.user();
    let path = path_of(&ann.create("Contradicted"));
    for headers in [
        &[("If-Match", "*"), ("If-None-Match", "*")][..],
        &[("If-Match", "\"1\""), ("If-None-Match", "\"1\"")],
        &[("If-Match", "\"2\""), ("If-None-Match", "\"2\"")],
    ] {
        let response = put_if(&ann, &path, headers);
        assert_eq!(
            response.expect_error(412, "PRECONDITION_FAILED", DETAIL)["current"]["version"],
            1
        );
        let absent = put_if(&ann, &todo_path(&Uuid::new_v4().to_string()), headers);
        assert_eq!(absent.expect_error(412, "PRECONDITION_FAILED", DETAIL)["current"], Value::Null);
    }
    let good = [("If-Match", "\"1\""), ("If-None-Match", "\"2\"")];
    assert_eq!(put_if(&ann, &path, &good).expect(200)["version"], 2);
}

pub(crate) fn unless_a_version_creates_and_replaces(api: Api) {
    let ann = api.user();
    let path = todo_path(&Uuid::new_v4().to_string());
    put_if(&ann, &path, &[("If-None-Match", "\"1\"")]).expect(201);
    for tags in ["\"1\"", "W/\"1\"", "\"2\", \"1\""] {
        let response = put_if(&ann, &path, &[("If-None-Match", tags)]);
        assert_eq!(
            response.expect_error(412, "PRECONDITION_FAILED", DETAIL)["current"]["version"],
            1
        );
    }
    ann.patch(&path, &json!({"title": "Other"})).expect(200);
    assert_eq!(
        put_if(&ann, &path, &[("If-None-Match", "\"1\", \"02\"")]).expect(200)["version"],
        3
    );
}
