//! `POST /api/v1/todos`

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, TODOS, id_of, path_of, todo_path};

pub(crate) fn a_todo_is_created_with_title_and_description(api: Api) {
    let ann = api.user();
    let response = ann.post(&json!({"title": "Buy groceries", "description": "Milk, eggs, bread"}));
    let todo = response.expect(201);
    assert_eq!(todo["title"], "Buy groceries");
    assert_eq!(todo["description"], "Milk, eggs, bread");
    assert_eq!(todo["is_completed"], false);
    assert_eq!(todo["user_id"], ann.id());
    assert_eq!(response.header("location"), Some(todo_path(id_of(&todo)).as_str()));
    assert_eq!(response.header("etag"), Some("\"1\""));
    assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
}

pub(crate) fn a_title_is_enough(api: Api) {
    let ann = api.user();
    for body in [json!({"title": "Call Bob"}), json!({"title": "Call Bob", "description": null})] {
        let todo = ann.post(&body).expect(201);
        assert_eq!(todo["title"], "Call Bob");
        assert_eq!(todo["description"], Value::Null);
        assert_eq!(todo["is_completed"], false);
    }
}

pub(crate) fn a_todo_has_exactly_the_fields_of_the_contract(api: Api) {
    let before = now();
    let todo = api.user().create("Look closely");
    let after = now();

    let mut keys: Vec<_> = todo.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected = [
        "completed_at",
        "created_at",
        "description",
        "due",
        "id",
        "is_completed",
        "priority",
        "tags",
        "title",
        "updated_at",
        "user_id",
        "version",
    ];
    assert_eq!(keys, expected);
    let id: Uuid = id_of(&todo).parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(id.to_string(), id_of(&todo));
    assert_eq!(todo["version"], 1);
    assert_eq!(todo["created_at"], todo["updated_at"]);
    let text = todo["created_at"].as_str().unwrap();
    let moment: DateTime<Utc> = text.parse().unwrap();
    assert_eq!(moment.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(), text);
    assert!((before..=after).contains(&moment.timestamp_micros()), "{text}");
}

#[expect(clippy::disallowed_methods, reason = "the server is another process, with the real clock")]
fn now() -> i64 {
    Utc::now().timestamp_micros()
}

pub(crate) fn an_empty_title_is_rejected(api: Api) {
    let ann = api.user();
    ann.post(&json!({"title": ""})).expect_invalid_fields(&["title"]);
    assert!(ann.items(TODOS).is_empty());
}

pub(crate) fn a_title_that_is_too_long_is_rejected(api: Api) {
    let ann = api.user();
    let messages = ann.post(&json!({"title": "x".repeat(256)})).expect_invalid_fields(&["title"]);
    assert!(messages[0].contains("255"), "{messages:?}");
    ann.post(&json!({"title": "x", "description": "x".repeat(2_001)}))
        .expect_invalid_fields(&["description"]);
    let both = json!({"title": "x".repeat(256), "description": "x".repeat(2_001)});
    ann.post(&both).expect_invalid_fields(&["title", "description"]);
    assert!(ann.items(TODOS).is_empty());
}

pub(crate) fn a_caller_without_an_id_creates_nothing(api: Api) {
    let response = api.anonymous().post(&json!({"title": "Whose?"}));
    response.expect_error(400, "MISSING_USER_CONTEXT", "User context required");
}

pub(crate) fn read_only_fields_in_a_body_are_ignored(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let old = "2001-01-01T00:00:00Z";
    let id = Uuid::new_v4().to_string();
    let todo = ann.post(&json!({
        "title": "Mine", "id": id, "user_id": bob.id(), "created_at": old, "updated_at": old,
        "version": 99, "completed_at": {"of": ["any", "type"]}
    }));
    let todo = todo.expect(201);
    assert_ne!(todo["id"], id);
    assert_eq!(todo["user_id"], ann.id());
    assert_ne!(todo["created_at"], old);
    assert_ne!(todo["updated_at"], old);
    assert_eq!(todo["version"], 1);
    assert_eq!(todo["is_completed"], false);
    assert!(bob.items(TODOS).is_empty());
}

pub(crate) fn a_todo_can_be_created_completed(api: Api) {
    let ann = api.user();
    for is_completed in [true, false] {
        let todo = ann.post(&json!({"title": "Done?", "is_completed": is_completed})).expect(201);
        assert_eq!((&todo["is_completed"], &todo["version"]), (&json!(is_completed), &json!(1)));
        assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
    }
    ann.post(&json!({"title": "Done?", "is_completed": null}))
        .expect_invalid_fields(&["is_completed"]);
}

pub(crate) fn a_null_or_missing_title_is_rejected(api: Api) {
    let ann = api.user();
    ann.post(&json!({"title": null})).expect_invalid_fields(&["title"]);
    ann.post(&json!({"description": "without"})).expect_invalid_fields(&["title"]);
    ann.post(&json!({})).expect_invalid_fields(&["title"]);
}
