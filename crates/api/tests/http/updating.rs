//! `PATCH /api/v1/todos/{todo_id}`

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, Client, TODOS, path_of, todo_path};

fn create_with_description(client: &Client<'_>) -> Value {
    client.post(&json!({"title": "Buy milk", "description": "Two litres"})).expect(201)
}

/// The todo as expected after these changes.
fn changed(before: &Value, after: &Value, fields: &Value) -> Value {
    let mut expected = before.clone();
    for (name, value) in fields.as_object().unwrap() {
        expected[name] = value.clone();
    }
    expected["version"] = json!(before["version"].as_i64().unwrap() + 1);
    assert!(after["updated_at"].as_str() > before["updated_at"].as_str(), "{after}");
    expected["updated_at"] = after["updated_at"].clone();
    expected
}

pub(crate) fn only_the_title_is_changed(api: Api) {
    let ann = api.user();
    let (todo, other) = (create_with_description(&ann), create_with_description(&ann));
    let change = json!({"title": "Buy oat milk"});
    let response = ann.patch(path_of(&todo), &change);
    let after = response.expect(200);
    assert_eq!(after, changed(&todo, &after, &change));
    assert_eq!(response.header("etag"), Some("\"2\""));
    assert_eq!(ann.get(path_of(&todo)).expect(200), after);
    assert_eq!(ann.get(path_of(&other)).expect(200), other);
}

pub(crate) fn a_todo_is_completed_and_reopened(api: Api) {
    let ann = api.user();
    let mut todo = create_with_description(&ann);
    assert_eq!(todo["completed_at"], Value::Null);
    for is_completed in [true, false, true] {
        let change = json!({"is_completed": is_completed});
        let after = ann.patch(path_of(&todo), &change).expect(200);
        let completed_at = if is_completed { after["updated_at"].clone() } else { Value::Null };
        let change = json!({"is_completed": is_completed, "completed_at": completed_at});
        assert_eq!(after, changed(&todo, &after, &change));
        assert_eq!(ann.get(path_of(&todo)).expect(200), after);
        todo = after;
    }
}

pub(crate) fn the_description_is_cleared_by_null_and_emptied_by_an_empty_text(api: Api) {
    let ann = api.user();
    let mut todo = create_with_description(&ann);
    for description in [Value::Null, json!(""), json!("More"), json!(""), Value::Null] {
        let change = json!({"description": description});
        let after = ann.patch(path_of(&todo), &change).expect(200);
        assert_eq!(after, changed(&todo, &after, &change));
        assert_eq!(ann.get(path_of(&todo)).expect(200), after);
        todo = after;
    }
}

pub(crate) fn an_empty_title_is_rejected(api: Api) {
    let ann = api.user();
    let todo = create_with_description(&ann);
    ann.patch(path_of(&todo), &json!({"title": ""})).expect_invalid_fields(&["title"]);
    // A rejected body changes nothing at all.
    let half_right = json!({"title": "x".repeat(256), "is_completed": true});
    ann.patch(path_of(&todo), &half_right).expect_invalid_fields(&["title"]);
    assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
}

pub(crate) fn null_for_a_required_field_is_rejected(api: Api) {
    let ann = api.user();
    let todo = create_with_description(&ann);
    let path = path_of(&todo);
    ann.patch(path.as_str(), &json!({"title": null})).expect_invalid_fields(&["title"]);
    ann.patch(path.as_str(), &json!({"is_completed": null}))
        .expect_invalid_fields(&["is_completed"]);
    let all = json!({"title": null, "is_completed": null, "description": null});
    ann.patch(path.as_str(), &all).expect_invalid_fields(&["title", "is_completed"]);
    assert_eq!(ann.get(path).expect(200), todo);
}

pub(crate) fn an_absent_todo_is_not_found(api: Api) {
    let absent = todo_path(&Uuid::new_v4().to_string());
    api.user().patch(absent.as_str(), &json!({"title": "Nothing"})).expect_not_found();
    api.user().patch(absent, &json!({})).expect_not_found();
}

pub(crate) fn another_users_todo_is_not_found_and_not_changed(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let todo = create_with_description(&ann);
    bob.patch(path_of(&todo), &json!({"title": "Bob's now"})).expect_not_found();
    bob.patch(path_of(&todo), &json!({})).expect_not_found();
    assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
    assert!(bob.items(TODOS).is_empty());
}

pub(crate) fn an_empty_change_changes_nothing(api: Api) {
    let ann = api.user();
    let todo = create_with_description(&ann);
    let response = ann.patch(path_of(&todo), &json!({}));
    assert_eq!(response.expect(200), todo);
    assert_eq!(response.header("etag"), Some("\"1\""));
}

pub(crate) fn a_change_to_the_same_values_changes_nothing(api: Api) {
    let ann = api.user();
    let todo = create_with_description(&ann);
    let same = json!({"title": "Buy milk", "description": "Two litres", "is_completed": false});
    assert_eq!(ann.patch(path_of(&todo), &same).expect(200), todo);
    assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
}

pub(crate) fn read_only_fields_in_a_body_are_ignored(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let todo = create_with_description(&ann);
    let old = "2001-01-01T00:00:00Z";
    let attempt = json!({
        "id": Uuid::new_v4(), "user_id": bob.id(), "created_at": old, "updated_at": old,
        "version": 99, "completed_at": 7
    });
    assert_eq!(ann.patch(path_of(&todo), &attempt).expect(200), todo);
    assert!(bob.items(TODOS).is_empty());
}

pub(crate) fn the_last_change_wins_and_the_next_read_sees_it(api: Api) {
    let ann = api.user();
    let todo = create_with_description(&ann);
    for round in 0..20 {
        let title = format!("Round {round}");
        ann.patch(path_of(&todo), &json!({"title": title})).expect(200);
        // A new connection, so probably another thread than that of the change.
        let seen = api.raw("GET", &path_of(&todo)).header("X-User-ID", ann.id()).send();
        assert_eq!(seen.expect(200)["title"], title);
    }
    assert_eq!(ann.get(path_of(&todo)).expect(200)["version"], 21);
}
