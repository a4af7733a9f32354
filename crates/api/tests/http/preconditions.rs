//! Failed preconditions: `If-Match` on every method, `If-None-Match` on writes.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, Client, Response, TODOS, path_of, todo_path};

fn change_if(client: &Client<'_>, path: &str, tags: &str, change: &Value) -> Response {
    client.call("PATCH", path).header("If-Match", tags).json(change).send()
}

fn delete_if(client: &Client<'_>, path: &str, tags: &str) -> Response {
    client.call("DELETE", path).header("If-Match", tags).send()
}

/// Expects a 412 with the current todo.
fn expect_conflict(client: &Client<'_>, path: &str, response: &Response) {
    let detail = "The todo does not match the condition; nothing was changed";
    let body = response.expect_error(412, "PRECONDITION_FAILED", detail);
    let read = client.get(path);
    assert_eq!(body["current"], read.expect(200));
    assert_eq!(response.header("etag"), read.header("etag"));
}

/// A todo at version 2, and its path.
fn second_version(client: &Client<'_>) -> (Value, String) {
    let path = path_of(&client.create("First"));
    (client.patch(&path, &json!({"title": "Second"})).expect(200), path)
}

fn done() -> Value {
    json!({"is_completed": true})
}

fn whole() -> Value {
    json!({"title": "Whole", "description": "", "is_completed": true})
}

pub(crate) fn a_matching_version_is_changed_or_deleted(api: Api) {
    let ann = api.user();
    let (_, path) = second_version(&ann);
    assert_eq!(change_if(&ann, &path, "\"2\"", &done()).expect(200)["version"], 3);
    let put = ann.call("PUT", &path).header("If-Match", "\"3\"").json(&whole()).send();
    assert_eq!(put.expect(200)["version"], 4);
    delete_if(&ann, &path, "\"4\"").expect(204);
    ann.get(path).expect_not_found();
}

pub(crate) fn a_change_of_another_version_fails_and_returns_the_todo(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    for tags in ["\"1\"", "\"3\"", "\"0\"", "\"-2\"", "\"9223372036854775807\""] {
        expect_conflict(&ann, &path, &change_if(&ann, &path, tags, &done()));
    }
    assert_eq!(ann.get(path).expect(200), todo);
}

pub(crate) fn a_delete_of_another_version_fails_and_returns_the_todo(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    expect_conflict(&ann, &path, &delete_if(&ann, &path, "\"1\""));
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn a_replacement_of_another_version_fails_and_returns_the_todo(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    let put = ann.call("PUT", &path).header("If-Match", "\"1\"").json(&whole()).send();
    expect_conflict(&ann, &path, &put);
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn a_star_matches_any_version(api: Api) {
    let ann = api.user();
    let (_, path) = second_version(&ann);
    change_if(&ann, &path, "*", &done()).expect(200);
    delete_if(&ann, &path, "*").expect(204);
}

pub(crate) fn one_of_several_versions_is_enough(api: Api) {
    let ann = api.user();
    let (_, path) = second_version(&ann);
    expect_conflict(&ann, &path, &change_if(&ann, &path, "\"1\", \"3\",\"x\"", &done()));
    assert_eq!(change_if(&ann, &path, "\"1\" , \"2\"", &done()).expect(200)["version"], 3);
    let two_lines = ann.call("DELETE", &path).header("If-Match", "\"9\"");
    two_lines.header("If-Match", "\"3\"").send().expect(204);
}

pub(crate) fn a_weak_or_foreign_tag_matches_no_version(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    for tags in
        ["W/\"2\"", "\"02\"", "\"+2\"", "\"two\"", "\"\"", "\"2.0\"", "\"99999999999999999999\""]
    {
        expect_conflict(&ann, &path, &change_if(&ann, &path, tags, &done()));
        expect_conflict(&ann, &path, &delete_if(&ann, &path, tags));
    }
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn an_absent_todo_is_not_found_whatever_the_condition(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let absent = todo_path(&Uuid::new_v4().to_string());
    let (todo, foreign) = second_version(&bob);
    for path in [&absent, &foreign] {
        for tags in ["*", "\"1\"", "\"2\""] {
            change_if(&ann, path, tags, &done()).expect_not_found();
            delete_if(&ann, path, tags).expect_not_found();
        }
    }
    assert_eq!(bob.items(TODOS), [todo]);
}

pub(crate) fn an_ineffective_change_also_needs_a_matching_version(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    assert_eq!(change_if(&ann, &path, "\"2\"", &json!({})).expect(200), todo);
    expect_conflict(&ann, &path, &change_if(&ann, &path, "\"1\"", &json!({})));
    expect_conflict(&ann, &path, &change_if(&ann, &path, "\"1\"", &json!({"title": "Second"})));
}

pub(crate) fn a_todo_of_another_version_is_not_returned(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    for method in ["GET", "HEAD"] {
        for tags in ["\"1\"", "W/\"2\"", "\"02\"", "\"x\""] {
            let response = ann.call(method, &path).header("If-Match", tags).send();
            assert_eq!(
                (response.status, response.header("etag")),
                (412, Some("\"2\"")),
                "{method} {tags}"
            );
            if method == "GET" {
                expect_conflict(&ann, &path, &response);
            }
            // `If-Match` is evaluated first.
            let both =
                ann.call(method, &path).header("If-Match", tags).header("If-None-Match", "*");
            assert_eq!(both.send().status, 412);
        }
        for tags in ["*", "\"2\"", "\"1\", \"2\""] {
            let response = ann.call(method, &path).header("If-Match", tags).send();
            assert_eq!(response.status, 200, "{method} {tags}");
            let both = ann.call(method, &path).header("If-Match", tags);
            assert_eq!(both.header("If-None-Match", "\"2\"").send().status, 304);
        }
    }
    assert_eq!(ann.get(&path).expect(200), todo);
    let absent = todo_path(&Uuid::new_v4().to_string());
    ann.call("GET", absent).header("If-Match", "\"1\"").send().expect_not_found();
}

pub(crate) fn an_excluded_version_is_neither_changed_nor_deleted(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    let unless = |method: &str, tags: &str| {
        let call = ann.call(method, &path).header("If-None-Match", tags);
        if method == "PATCH" { call.json(&done()).send() } else { call.send() }
    };
    for method in ["PATCH", "DELETE"] {
        for tags in ["*", "\"2\"", "W/\"2\"", "\"1\", \"2\""] {
            expect_conflict(&ann, &path, &unless(method, tags));
        }
    }
    assert_eq!(ann.get(&path).expect(200), todo);
    let both = ann.call("PATCH", &path).header("If-Match", "\"2\", \"3\"");
    expect_conflict(&ann, &path, &both.header("If-None-Match", "\"2\"").json(&done()).send());
    assert_eq!(unless("PATCH", "\"1\", \"02\"").expect(200)["version"], 3);
    unless("DELETE", "\"2\"").expect(204);
    unless("DELETE", "\"2\"").expect_not_found();
    unless("PATCH", "*").expect_not_found();
}
