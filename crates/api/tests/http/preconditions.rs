//! Conditions that do not hold: `If-Match` on every method, `If-None-Match` where something is written.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Api, Client, TODOS, at, path_of};

fn change_if(client: &Client<'_>, path: &str, tags: &str, change: &Value) -> Answer {
    client.call("PATCH", path).header("If-Match", tags).json(change).send()
}

fn delete_if(client: &Client<'_>, path: &str, tags: &str) -> Answer {
    client.call("DELETE", path).header("If-Match", tags).send()
}

/// The todo in a 412, which must be as it stands.
fn conflicts(client: &Client<'_>, path: &str, answer: &Answer) {
    let detail = "The todo is not as the request expects it; nothing was changed";
    let body = answer.refused(412, "PRECONDITION_FAILED", detail);
    let read = client.get(path);
    assert_eq!(body["current"], read.expect(200));
    assert_eq!(answer.header("etag"), read.header("etag"));
}

/// A todo at version 2, and where it is.
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

pub(crate) fn a_change_or_removal_of_the_wanted_version_is_made(api: Api) {
    let ann = api.user();
    let (_, path) = second_version(&ann);
    assert_eq!(change_if(&ann, &path, "\"2\"", &done()).expect(200)["version"], 3);
    let put = ann.call("PUT", &path).header("If-Match", "\"3\"").json(&whole()).send();
    assert_eq!(put.expect(200)["version"], 4);
    delete_if(&ann, &path, "\"4\"").expect(204);
    ann.get(path).not_found();
}

pub(crate) fn a_change_of_another_version_is_refused_and_shows_the_todo(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    for tags in ["\"1\"", "\"3\"", "\"0\"", "\"-2\"", "\"9223372036854775807\""] {
        conflicts(&ann, &path, &change_if(&ann, &path, tags, &done()));
    }
    assert_eq!(ann.get(path).expect(200), todo);
}

pub(crate) fn a_removal_of_another_version_is_refused_and_shows_the_todo(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    conflicts(&ann, &path, &delete_if(&ann, &path, "\"1\""));
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn a_replacement_of_another_version_is_refused_and_shows_the_todo(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    let put = ann.call("PUT", &path).header("If-Match", "\"1\"").json(&whole()).send();
    conflicts(&ann, &path, &put);
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn any_version_is_wanted_by_a_star(api: Api) {
    let ann = api.user();
    let (_, path) = second_version(&ann);
    change_if(&ann, &path, "*", &done()).expect(200);
    delete_if(&ann, &path, "*").expect(204);
}

pub(crate) fn one_of_many_wanted_versions_is_enough(api: Api) {
    let ann = api.user();
    let (_, path) = second_version(&ann);
    conflicts(&ann, &path, &change_if(&ann, &path, "\"1\", \"3\",\"x\"", &done()));
    assert_eq!(change_if(&ann, &path, "\"1\" , \"2\"", &done()).expect(200)["version"], 3);
    let two_lines = ann.call("DELETE", &path).header("If-Match", "\"9\"");
    two_lines.header("If-Match", "\"3\"").send().expect(204);
}

pub(crate) fn a_weak_or_foreign_tag_is_no_version(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    for tags in
        ["W/\"2\"", "\"02\"", "\"+2\"", "\"two\"", "\"\"", "\"2.0\"", "\"99999999999999999999\""]
    {
        conflicts(&ann, &path, &change_if(&ann, &path, tags, &done()));
        conflicts(&ann, &path, &delete_if(&ann, &path, tags));
    }
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn a_todo_that_is_not_there_is_not_found_whatever_the_condition(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let absent = at(&Uuid::new_v4().to_string());
    let (todo, foreign) = second_version(&bob);
    for path in [&absent, &foreign] {
        for tags in ["*", "\"1\"", "\"2\""] {
            change_if(&ann, path, tags, &done()).not_found();
            delete_if(&ann, path, tags).not_found();
        }
    }
    assert_eq!(bob.items(TODOS), [todo]);
}

pub(crate) fn a_change_that_changes_nothing_needs_the_wanted_version_too(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    assert_eq!(change_if(&ann, &path, "\"2\"", &json!({})).expect(200), todo);
    conflicts(&ann, &path, &change_if(&ann, &path, "\"1\"", &json!({})));
    conflicts(&ann, &path, &change_if(&ann, &path, "\"1\"", &json!({"title": "Second"})));
}

pub(crate) fn a_todo_of_another_version_is_not_read(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    for method in ["GET", "HEAD"] {
        for tags in ["\"1\"", "W/\"2\"", "\"02\"", "\"x\""] {
            let answer = ann.call(method, &path).header("If-Match", tags).send();
            assert_eq!(
                (answer.status, answer.header("etag")),
                (412, Some("\"2\"")),
                "{method} {tags}"
            );
            if method == "GET" {
                conflicts(&ann, &path, &answer);
            }
            // The first of the two conditions that is false decides.
            let both =
                ann.call(method, &path).header("If-Match", tags).header("If-None-Match", "*");
            assert_eq!(both.send().status, 412);
        }
        for tags in ["*", "\"2\"", "\"1\", \"2\""] {
            let answer = ann.call(method, &path).header("If-Match", tags).send();
            assert_eq!(answer.status, 200, "{method} {tags}");
            let both = ann.call(method, &path).header("If-Match", tags);
            assert_eq!(both.header("If-None-Match", "\"2\"").send().status, 304);
        }
    }
    assert_eq!(ann.get(&path).expect(200), todo);
    let absent = at(&Uuid::new_v4().to_string());
    ann.call("GET", absent).header("If-Match", "\"1\"").send().not_found();
}

pub(crate) fn an_unwanted_version_is_neither_changed_nor_removed(api: Api) {
    let ann = api.user();
    let (todo, path) = second_version(&ann);
    let unless = |method: &str, tags: &str| {
        let call = ann.call(method, &path).header("If-None-Match", tags);
        if method == "PATCH" { call.json(&done()).send() } else { call.send() }
    };
    for method in ["PATCH", "DELETE"] {
        for tags in ["*", "\"2\"", "W/\"2\"", "\"1\", \"2\""] {
            conflicts(&ann, &path, &unless(method, tags));
        }
    }
    assert_eq!(ann.get(&path).expect(200), todo);
    let both = ann.call("PATCH", &path).header("If-Match", "\"2\", \"3\"");
    conflicts(&ann, &path, &both.header("If-None-Match", "\"2\"").json(&done()).send());
    assert_eq!(unless("PATCH", "\"1\", \"02\"").expect(200)["version"], 3);
    unless("DELETE", "\"2\"").expect(204);
    unless("DELETE", "\"2\"").not_found();
    unless("PATCH", "*").not_found();
}
