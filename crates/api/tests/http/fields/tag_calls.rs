//! `GET /api/v1/tags`, and `PATCH` and `DELETE /api/v1/tags/{name}`.

use serde_json::{Value, json};

use crate::support::{Api, Client, TODOS, path_of, percent_encoded};

const TAGS: &str = "/api/v1/tags";

fn tagged(client: &Client<'_>, tags: &[&str]) -> Value {
    client.post(&json!({"title": "Tagged", "tags": tags})).expect(201)
}

fn path(name: &str) -> String {
    format!("{TAGS}/{}", percent_encoded(name))
}

pub(crate) fn tags_are_listed_by_name_with_their_number_of_todos(api: Api) {
    let ann = api.user();
    assert_eq!(ann.get(TAGS).expect(200), json!({"items": []}));
    let todos = [tagged(&ann, &["Work", "home"]), tagged(&ann, &["work"]), tagged(&ann, &[])];
    ann.patch(path_of(&todos[1]), &json!({"is_completed": true})).expect(200);
    let expected = json!({"items": [{"name": "home", "count": 1}, {"name": "Work", "count": 2}]});
    assert_eq!(ann.get(TAGS).expect(200), expected);
    ann.delete(path_of(&todos[0])).expect(204);
    let expected = json!({"items": [{"name": "work", "count": 1}]});
    assert_eq!(ann.get(TAGS).expect(200), expected);
}

pub(crate) fn a_tag_is_renamed_in_all_todos(api: Api) {
    let ann = api.user();
    let todos =
        [tagged(&ann, &["a", "work", "b"]), tagged(&ann, &["job", "WORK"]), tagged(&ann, &["a"])];
    let rename = |from, to| ann.patch(path(from), &json!({"name": to})).expect(200);
    assert_eq!(rename("Work", " Job "), json!({"affected": 2}));
    let tags = |todo| ann.get(path_of(todo)).expect(200)["tags"].clone();
    assert_eq!(tags(&todos[0]), json!(["a", "Job", "b"]));
    assert_eq!(tags(&todos[1]), json!(["Job"]));
    assert_eq!(ann.get(path_of(&todos[2])).expect(200), todos[2]);
    assert_eq!(rename("job", "Job"), json!({"affected": 0}), "it has this name already");
    assert_eq!(rename("job", "job"), json!({"affected": 2}));
    assert_eq!(rename("nowhere", "x"), json!({"affected": 0}));
    assert_eq!(rename("nowhere", "nowhere"), json!({"affected": 0}));
}

pub(crate) fn a_tag_is_deleted_from_all_todos(api: Api) {
    let ann = api.user();
    let todos = [tagged(&ann, &["a", "work", "b"]), tagged(&ann, &["WORK"]), tagged(&ann, &["a"])];
    assert_eq!(ann.delete(path("Work")).expect(200), json!({"affected": 2}));
    assert_eq!(ann.delete(path("Work")).expect(200), json!({"affected": 0}));
    let tags = |todo| ann.get(path_of(todo)).expect(200)["tags"].clone();
    assert_eq!([tags(&todos[0]), tags(&todos[1])], [json!(["a", "b"]), json!([])]);
    assert_eq!(ann.get(path_of(&todos[2])).expect(200), todos[2]);
    assert_eq!(ann.items(TODOS).len(), 3, "the todos remain");
}

pub(crate) fn a_name_in_a_path_may_have_any_character_of_a_tag(api: Api) {
    let ann = api.user();
    for name in [
        "a/b", "a%2Fb", "100%", ".", "..", "a b", "a+b", "日本", "?x=1", "#", "\\", "\u{1}", "%",
        ";",
    ] {
        let todo = tagged(&ann, &[name]);
        let rename = ann.patch(path(name), &json!({"name": "renamed"}));
        assert_eq!(rename.expect(200), json!({"affected": 1}), "{name:?}");
        ann.patch(path_of(&todo), &json!({"tags": [name]})).expect(200);
        // White space around a name is cut, so that clients can send names that they would else take for a dot segment.
        let path = path(&format!(" {name} "));
        assert_eq!(ann.delete(path).expect(200), json!({"affected": 1}), "{name:?}");
    }
    // Without percent-encoding, as far as a path allows.
    tagged(&ann, &["a+b:c@d!$&'()*;=~"]);
    assert_eq!(ann.delete(format!("{TAGS}/a+b:c@d!$&'()*;=~")).expect(200), json!({"affected": 1}));
}

pub(crate) fn an_invalid_name_is_rejected(api: Api) {
    let ann = api.user();
    let todo = tagged(&ann, &["a"]);
    for name in ["%20", "a%2Cb", "a,b", "%00", "%FF", "%ED%A0%80", &"a".repeat(51)] {
        let target = format!("{TAGS}/{name}");
        ann.delete(&target).expect_invalid_fields(&["name"]);
        ann.patch(&target, &json!({"name": "x"})).expect_invalid_fields(&["name"]);
    }
    for (body, message) in [
        (json!({}), "is required"),
        (json!({"name": null}), "must be a string, not null"),
        (json!({"name": 1}), "must be a string, not a number"),
        (json!({"name": "a,b"}), "must not contain a comma"),
        (json!({"name": "\0"}), "must not contain the character U+0000"),
    ] {
        assert_eq!(ann.patch(path("a"), &body).expect_invalid_fields(&["name"]), [message]);
    }
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn another_users_tags_are_left_alone(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let todo = tagged(&ann, &["work"]);
    assert_eq!(bob.get(TAGS).expect(200), json!({"items": []}));
    assert_eq!(bob.delete(path("work")).expect(200), json!({"affected": 0}));
    assert_eq!(bob.patch(path("work"), &json!({"name": "x"})).expect(200), json!({"affected": 0}));
    assert_eq!(ann.items(TODOS), [todo]);
}

/// Longer than what is sent at once.
pub(crate) fn a_long_list_of_tags_is_complete(api: Api) {
    let ann = api.user();
    let mut names = Vec::new();
    for todo in 0..60 {
        let tags: Vec<_> =
            (0..20).map(|tag| format!("{todo:02} {tag:02} {}", "\u{1}".repeat(44))).collect();
        ann.post(&json!({"title": "Tagged", "tags": tags})).expect(201);
        names.extend(tags);
    }
    let items: Vec<_> = names.iter().map(|name| json!({"name": name, "count": 1})).collect();
    let response = ann.get(TAGS);
    assert!(response.body.len() > 256 * 1024, "{}", response.body.len());
    assert_eq!(response.expect(200), json!({"items": items}));
    let head = ann.head(TAGS);
    assert_eq!((head.status, head.body.len()), (200, 0));
}
