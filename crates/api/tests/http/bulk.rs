//! `PATCH` and `DELETE /api/v1/todos`: bulk calls.

use serde_json::{Value, json};

use crate::support::{Api, Client, TODOS, path_of};

/// Three todos, of which the first is completed.
fn three(client: &Client<'_>) -> [Value; 3] {
    let [first, second, third] = ["Buy milk", "Buy eggs", "Call Bob"].map(|it| client.create(it));
    let first = client.patch(path_of(&first), &json!({"is_completed": true})).expect(200);
    [first, second, third]
}

fn affected(count: u64) -> Value {
    json!({"affected": count})
}

fn complete(client: &Client<'_>, query: &str, is_completed: bool) -> Value {
    let body = json!({"is_completed": is_completed});
    client.patch(format!("{TODOS}?{query}"), &body).expect(200)
}

pub(crate) fn all_active_todos_are_completed_at_once(api: Api) {
    let ann = api.user();
    let before = three(&ann);
    assert_eq!(complete(&ann, "is_completed=false", true), affected(2));
    for todo in &before[1..] {
        let after = ann.get(path_of(todo)).expect(200);
        assert_eq!((&after["is_completed"], &after["version"]), (&json!(true), &json!(2)));
        assert_eq!(after["completed_at"], after["updated_at"]);
        assert!(after["updated_at"].as_str() > todo["updated_at"].as_str());
        for field in ["title", "description", "created_at"] {
            assert_eq!(after[field], todo[field]);
        }
    }
    assert_eq!(complete(&ann, "is_completed=false", true), affected(0));
    assert_eq!(complete(&ann, "is_completed=true", false), affected(3));
    assert!(ann.items(format!("{TODOS}?is_completed=true")).is_empty());
}

pub(crate) fn unchanged_todos_are_not_counted_and_keep_their_version(api: Api) {
    let ann = api.user();
    let [done, ..] = three(&ann);
    assert_eq!(complete(&ann, "all=true", true), affected(2));
    assert_eq!(ann.get(path_of(&done)).expect(200), done);
    assert_eq!(complete(&ann, "is_completed=true", true), affected(0));
    assert_eq!(ann.get(path_of(&done)).expect(200), done);
}

pub(crate) fn all_completed_todos_are_deleted_at_once(api: Api) {
    let ann = api.user();
    let [done, eggs, bob] = three(&ann);
    let clear = format!("{TODOS}?is_completed=true");
    assert_eq!(ann.delete(&clear).expect(200), affected(1));
    ann.get(path_of(&done)).expect_not_found();
    assert_eq!(ann.items(TODOS), [bob, eggs]);
    assert_eq!(ann.delete(&clear).expect(200), affected(0));
}

pub(crate) fn a_search_limits_the_changed_todos(api: Api) {
    let ann = api.user();
    three(&ann);
    assert_eq!(complete(&ann, "q=BUY&is_completed=false", true), affected(1));
    assert_eq!(ann.delete(format!("{TODOS}?q=buy")).expect(200), affected(2));
    assert_eq!(ann.titles(TODOS), ["Call Bob"]);
}

pub(crate) fn bulk_calls_without_a_filter_are_rejected(api: Api) {
    let ann = api.user();
    three(&ann);
    let before = ann.items(TODOS);
    let change = json!({"is_completed": true});
    for query in ["", "?", "?all=false", "?q=", "?q=&all=false"] {
        ann.patch(format!("{TODOS}{query}"), &change).expect_invalid_fields(&["all"]);
        ann.delete(format!("{TODOS}{query}")).expect_invalid_fields(&["all"]);
    }
    assert_eq!(ann.items(TODOS), before);
}

/// A mistake in a filter must not widen it.
pub(crate) fn a_misspelt_or_ambiguous_filter_changes_nothing(api: Api) {
    let ann = api.user();
    three(&ann);
    let before = ann.items(TODOS);
    let change = json!({"is_completed": true});
    for (query, fields) in [
        ("all=true&completed=true", &["completed"][..]),
        ("q=buy&is_complete=true", &["is_complete"]),
        ("is_completed=true&limit=1", &["limit"]),
        ("all=true&limit=1&cursor=&sort=created_at", &["cursor", "limit", "sort"]),
        ("all=true&is_completed=true", &["all"]),
        ("q=milk&all=true", &["all"]),
        ("id=550e8400-e29b-41d4-a716-446655440000&all=true", &["all"]),
    ] {
        ann.patch(format!("{TODOS}?{query}"), &change).expect_invalid_fields(fields);
        ann.delete(format!("{TODOS}?{query}")).expect_invalid_fields(fields);
    }
    assert_eq!(ann.items(TODOS), before);
    // An empty `q` is not a filter, and `all=false` requests nothing, so neither conflicts with the rest.
    assert_eq!(ann.delete(format!("{TODOS}?q=milk&all=false")).expect(200), affected(1));
    assert_eq!(ann.delete(format!("{TODOS}?q=&all=true")).expect(200), affected(2));
}

pub(crate) fn only_todos_of_these_ids_are_changed(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let [done, eggs, call] = three(&ann);
    let his = bob.create("Bob's");
    let some =
        [&done, &eggs, &his].map(|it| format!("id={}", it["id"].as_str().unwrap())).join("&");
    assert_eq!(complete(&ann, &some, true), affected(1));
    assert_eq!(ann.delete(format!("{TODOS}?{some}&is_completed=true")).expect(200), affected(2));
    assert_eq!(ann.items(TODOS), [call]);
    assert_eq!(bob.items(TODOS), [his]);
}

pub(crate) fn all_todos_need_all_true(api: Api) {
    let ann = api.user();
    three(&ann);
    assert_eq!(complete(&ann, "all=true", false), affected(1));
    assert_eq!(ann.delete(format!("{TODOS}?all=true")).expect(200), affected(3));
    assert!(ann.items(TODOS).is_empty());
}

pub(crate) fn another_users_todos_are_left_alone(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    three(&ann);
    let his = three(&bob);
    assert_eq!(complete(&ann, "is_completed=false", true), affected(2));
    assert_eq!(complete(&ann, "q=buy", false), affected(2));
    assert_eq!(ann.delete(format!("{TODOS}?all=true")).expect(200), affected(3));
    let mut kept = bob.items(TODOS);
    kept.reverse();
    assert_eq!(kept, his);
}

pub(crate) fn an_invalid_body_changes_nothing(api: Api) {
    let ann = api.user();
    three(&ann);
    let before = ann.items(TODOS);
    let target = format!("{TODOS}?all=true");
    for body in [json!({}), json!({"id": 1})] {
        let messages = ann.patch(&target, &body).expect_invalid_fields(&["body"]);
        assert!(messages[0].starts_with("must have at least one of add_tags, due"), "{messages:?}");
    }
    for body in [json!({"is_completed": null}), json!({"is_completed": "true"})] {
        ann.patch(&target, &body).expect_invalid_fields(&["is_completed"]);
    }
    assert_eq!(ann.items(TODOS), before);
    // Other fields cannot be changed in bulk.
    let body = json!({"is_completed": true, "title": "All the same", "description": null});
    ann.patch(&target, &body).expect_invalid_fields(&["description", "title"]);
    assert_eq!(ann.titles(TODOS), ["Call Bob", "Buy eggs", "Buy milk"]);
}
