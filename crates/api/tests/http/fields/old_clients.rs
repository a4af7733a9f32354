//! Clients from before there were priority, due time and tags.

use serde_json::{Value, json};

use crate::support::{Api, TODOS, path_of};

/// The bodies that such a client sends: those of the types `TodoPut`, `TodoUpdate` and `TodosUpdate` then.
pub(crate) fn a_client_with_three_fields_wipes_nothing(api: Api) {
    let ann = api.user();
    let body = json!({
        "title": "Whole", "priority": "high", "due": "2026-03-01T09:00:00.000001+01:00", "tags": ["Home", "work"],
    });
    let todo = ann.post(&body).expect(201);
    let keeps = |after: &Value, version| {
        assert_eq!(after["version"], version);
        for field in ["priority", "due", "tags"] {
            assert_eq!(after[field], todo[field]);
        }
    };
    let put = |title| json!({"title": title, "description": null, "is_completed": false});
    keeps(&ann.put(path_of(&todo), &put("Put")).expect(200), 2);
    keeps(&ann.put(path_of(&todo), &put("Put")).expect(200), 2);
    keeps(&ann.patch(path_of(&todo), &json!({"title": "Patched"})).expect(200), 3);
    ann.patch(format!("{TODOS}?is_completed=false"), &json!({"is_completed": true})).expect(200);
    keeps(&ann.get(path_of(&todo)).expect(200), 4);
    // It has them from the list; the undo of a deletion is a new todo, whose fields it does not know.
    ann.delete(path_of(&todo)).expect(204);
    let revived = ann.put(path_of(&todo), &put("Undone")).expect(201);
    let defaults = (&json!("medium"), &Value::Null, &json!([]));
    assert_eq!((&revived["priority"], &revived["due"], &revived["tags"]), defaults);
}

pub(crate) fn the_feed_has_the_fields(api: Api) {
    let ann = api.user();
    let body = json!({"title": "Fed", "priority": "low", "due": "2026-03-01", "tags": ["x"]});
    let todo = ann.post(&body).expect(201);
    let start = ann.get(format!("{TODOS}/changes")).expect(200);
    assert_eq!(start["items"], json!([todo]));
    let since = start["next"].as_str().unwrap();
    ann.patch("/api/v1/tags/x", &json!({"name": "y"})).expect(200);
    let changes = ann.get(format!("{TODOS}/changes?since={since}")).expect(200);
    assert_eq!(changes["items"][0]["tags"], json!(["y"]));
    assert_eq!(changes["items"], json!([ann.get(path_of(&todo)).expect(200)]));
}
