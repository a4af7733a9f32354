//! Bulk updates of priority, due time and tags.

use serde_json::{Value, json};

use crate::support::{Api, Client, TODOS, path_of};

fn all() -> String {
    format!("{TODOS}?all=true")
}

fn change(client: &Client<'_>, body: &Value) -> Value {
    client.patch(all(), body).expect(200)["affected"].clone()
}

pub(crate) fn each_field_is_changed_in_bulk(api: Api) {
    let ann = api.user();
    ann.create("one");
    ann.post(&json!({"title": "two", "priority": "high", "due": "2026-03-01"})).expect(201);
    for (body, affected) in [
        (json!({"priority": "high"}), 1),
        (json!({"due": "2026-03-01"}), 1),
        (json!({"due": "2026-03-01T23:59:59.999999Z"}), 2),
        (json!({"due": null}), 2),
        (json!({"due": null, "priority": "low", "is_completed": true}), 2),
        (json!({"due": null, "priority": "low", "is_completed": true}), 0),
    ] {
        assert_eq!(change(&ann, &body), affected, "{body}");
        for (field, value) in body.as_object().unwrap() {
            let read = match value.as_str() {
                Some("2026-03-01T23:59:59.999999Z") | None => value.clone(),
                Some(text) => json!(text),
            };
            assert!(ann.items(TODOS).iter().all(|todo| todo[field] == read), "{body}");
        }
    }
    for (body, field) in [
        (json!({"priority": null}), "priority"),
        (json!({"due": "soon"}), "due"),
        (json!({"add_tags": null}), "add_tags"),
        (json!({"remove_tags": "x"}), "remove_tags"),
        (json!({"add_tags": ["x", ""]}), "add_tags[1]"),
        (json!({"tags": ["x"], "priority": "low"}), "tags"),
    ] {
        ann.patch(all(), &body).expect_invalid_fields(&[field]);
    }
}

pub(crate) fn tags_are_added_and_removed(api: Api) {
    let ann = api.user();
    let create = |tags| ann.post(&json!({"title": "x", "tags": tags})).expect(201);
    let todos = [create(json!(["a", "b"])), create(json!(["B", "c"])), create(json!([]))];
    let tags = || todos.each_ref().map(|it| ann.get(path_of(it)).expect(200)["tags"].clone());
    assert_eq!(change(&ann, &json!({"add_tags": ["b", "d"], "remove_tags": ["A"]})), 3);
    assert_eq!(tags(), [json!(["b", "d"]), json!(["B", "c", "d"]), json!(["b", "d"])]);
    assert_eq!(change(&ann, &json!({"add_tags": ["D"], "remove_tags": ["nowhere"]})), 0);
    assert_eq!(change(&ann, &json!({"remove_tags": ["C"]})), 1);
    assert_eq!(change(&ann, &json!({"add_tags": [], "remove_tags": []})), 0);
    let some = ann.patch(format!("{TODOS}?tag=d"), &json!({"remove_tags": ["d", "b"]}));
    assert_eq!(some.expect(200), json!({"affected": 3}));
    assert_eq!(tags(), [json!([]), json!([]), json!([])]);
}

pub(crate) fn a_tag_is_not_both_added_and_removed(api: Api) {
    let ann = api.user();
    let todo = ann.create("Untouched");
    let body = json!({"add_tags": ["x", "Straße"], "remove_tags": [" STRASSE"]});
    let messages = ann.patch(all(), &body).expect_invalid_fields(&["remove_tags"]);
    assert_eq!(messages, ["must not contain a tag that is also in add_tags"]);
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn too_many_tags_change_nothing(api: Api) {
    let ann = api.user();
    let twenty: Vec<_> = (0..20).map(|it| it.to_string()).collect();
    ann.create("Few tags");
    ann.post(&json!({"title": "Many tags", "tags": twenty})).expect(201);
    let before = ann.items(TODOS);
    let body = json!({"add_tags": ["one more"], "priority": "high"});
    let messages = ann.patch(all(), &body).expect_invalid_fields(&["add_tags"]);
    assert!(messages[0].contains("more than 20 tags, so nothing was changed"), "{messages:?}");
    assert_eq!(ann.items(TODOS), before);
    assert_eq!(change(&ann, &json!({"add_tags": ["one more"], "remove_tags": ["7"]})), 2);
}
