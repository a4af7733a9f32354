//! `PUT /api/v1/todos/{todo_id}`: todos with ids that clients choose.

use std::slice;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, TODOS, path_of, todo_path};

fn whole(title: &str) -> Value {
    json!({"title": title, "description": "In full", "is_completed": false})
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}

pub(crate) fn a_todo_is_created_under_the_clients_id(api: Api) {
    let ann = api.user();
    let id = new_id();
    let body = json!({"title": "Made offline", "description": null, "is_completed": true});
    let response = ann.put(todo_path(&id), &body);
    let todo = response.expect(201);
    assert_eq!(response.header("location"), Some(todo_path(&id).as_str()));
    assert_eq!(todo["id"], id);
    assert_eq!(todo["user_id"], ann.id());
    assert_eq!(todo["version"], 1);
    assert_eq!(todo["created_at"], todo["updated_at"]);
    for field in ["title", "description", "is_completed"] {
        assert_eq!(todo[field], body[field]);
    }
    assert_eq!(ann.items(TODOS), slice::from_ref(&todo));
    assert_eq!(ann.get(todo_path(&id.to_uppercase())).expect(200), todo);
}

pub(crate) fn a_todo_is_replaced_in_full(api: Api) {
    let ann = api.user();
    let before = ann.post(&json!({"title": "Old", "description": "Older"})).expect(201);
    let body = json!({"title": "New", "description": null, "is_completed": true});
    let response = ann.put(path_of(&before), &body);
    let after = response.expect(200);
    assert_eq!(response.header("location"), None);
    assert_eq!(after["version"], 2);
    assert_eq!(after["created_at"], before["created_at"]);
    assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
    for field in ["title", "description", "is_completed"] {
        assert_eq!(after[field], body[field]);
    }
    assert_eq!(ann.items(TODOS), [after]);
}

pub(crate) fn repeating_a_put_changes_nothing(api: Api) {
    let ann = api.user();
    let path = todo_path(&new_id());
    let first = ann.put(&path, &whole("Once")).expect(201);
    for _ in 0..3 {
        assert_eq!(ann.put(&path, &whole("Once")).expect(200), first);
    }
    assert_eq!(ann.items(TODOS), [first]);
}

pub(crate) fn every_field_is_required(api: Api) {
    let ann = api.user();
    let todo = ann.create("Whole");
    let all = ["title", "description", "is_completed"];
    for path in [path_of(&todo), todo_path(&new_id())] {
        ann.put(&path, &json!({})).expect_invalid_fields(&all);
        for missing in all {
            let mut body = whole("Not whole");
            body.as_object_mut().unwrap().remove(missing);
            ann.put(&path, &body).expect_invalid_fields(&[missing]);
        }
        let nulls = json!({"title": null, "description": null, "is_completed": null});
        ann.put(&path, &nulls).expect_invalid_fields(&["title", "is_completed"]);
        ann.put(&path, &whole("")).expect_invalid_fields(&["title"]);
    }
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn the_same_id_of_two_users_makes_two_todos(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let path = todo_path(&new_id());
    let hers = ann.put(&path, &whole("Ann's")).expect(201);
    let his = bob.put(&path, &whole("Bob's")).expect(201);
    assert_eq!(hers["id"], his["id"]);
    assert_eq!(ann.get(&path).expect(200), hers);
    let his = bob.patch(&path, &json!({"title": "Bob's own"})).expect(200);
    assert_eq!(his["version"], 2);
    assert_eq!(ann.items(TODOS), [hers]);
    ann.delete(&path).expect(204);
    assert_eq!(bob.items(TODOS), [his]);
}

pub(crate) fn read_only_fields_in_a_body_are_ignored(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let (id, other) = (new_id(), new_id());
    let mut body = whole("Mine");
    let old = "2001-01-01T00:00:00Z";
    for (field, value) in [
        ("id", json!(other)),
        ("user_id", json!(bob.id())),
        ("created_at", json!(old)),
        ("updated_at", json!(old)),
        ("version", json!(7)),
        ("completed_at", json!([])),
    ] {
        body[field] = value;
    }
    let todo = ann.put(todo_path(&id), &body).expect(201);
    assert_eq!((&todo["id"], &todo["user_id"]), (&json!(id), &json!(ann.id())));
    assert_eq!(todo["version"], 1);
    assert_ne!(todo["created_at"], old);
    ann.get(todo_path(&other)).expect_not_found();
    assert!(bob.items(TODOS).is_empty());
}

pub(crate) fn a_deleted_todo_can_be_put_again(api: Api) {
    let ann = api.user();
    let path = todo_path(&new_id());
    ann.put(&path, &whole("First life")).expect(201);
    ann.delete(&path).expect(204);
    assert_eq!(ann.put(&path, &whole("Second life")).expect(201)["version"], 2);
}

pub(crate) fn any_uuid_can_be_an_id(api: Api) {
    let ann = api.user();
    for id in [Uuid::nil(), Uuid::max(), Uuid::new_v4(), Uuid::now_v7(), Uuid::from_u128(1)] {
        assert_eq!(
            ann.put(todo_path(&id.to_string()), &whole("Any")).expect(201)["id"],
            id.to_string()
        );
    }
    assert_eq!(ann.items(TODOS).len(), 5);
}

pub(crate) fn fixed_paths_are_not_ids(api: Api) {
    let response = api.user().put(todo_path("stats"), &whole("Statistics"));
    response.expect_error(405, "METHOD_NOT_ALLOWED", "Method not allowed");
}
