//! `priority`.

use serde_json::json;

use crate::support::{Api, TODOS, path_of};

pub(crate) fn a_priority_is_medium_unless_it_is_set(api: Api) {
    let ann = api.user();
    let todo = ann.create("Usual");
    assert_eq!(todo["priority"], "medium");
    for (priority, version) in [("high", 2), ("high", 2), ("low", 3), ("medium", 4)] {
        let todo = ann.patch(path_of(&todo), &json!({"priority": priority})).expect(200);
        assert_eq!((&todo["priority"], &todo["version"]), (&json!(priority), &json!(version)));
        assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
    }
    let high = ann.post(&json!({"title": "Urgent", "priority": "high"})).expect(201);
    assert_eq!(high["priority"], "high");
}

pub(crate) fn another_priority_is_rejected(api: Api) {
    let ann = api.user();
    for (priority, message) in [
        (json!(null), "must be low, medium or high, not null"),
        (json!(3), "must be low, medium or high, not a number"),
        (json!(["high"]), "must be low, medium or high, not an array"),
        (json!("High"), "must be low, medium or high"),
        (json!("urgent"), "must be low, medium or high"),
        (json!(""), "must be low, medium or high"),
    ] {
        let body = json!({"title": "x", "priority": priority});
        assert_eq!(ann.post(&body).expect_invalid_fields(&["priority"]), [message]);
    }
    assert!(ann.items(TODOS).is_empty());
}
