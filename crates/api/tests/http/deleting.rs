//! `DELETE /api/v1/todos/{todo_id}`

use serde_json::json;
use uuid::Uuid;

use crate::support::{Api, TODOS, path_of, todo_path};

pub(crate) fn a_deleted_todo_is_gone(api: Api) {
    let ann = api.user();
    let (todo, other) = (ann.create("Done for"), ann.create("Stays"));
    let response = ann.delete(path_of(&todo));
    response.expect(204);
    assert!(response.body.is_empty());

    ann.get(path_of(&todo)).expect_not_found();
    ann.patch(path_of(&todo), &json!({"title": "Come back"})).expect_not_found();
    ann.delete(path_of(&todo)).expect_not_found();
    assert_eq!(ann.items(TODOS), [other]);
}

pub(crate) fn an_absent_todo_is_not_found(api: Api) {
    api.user().delete(todo_path(&Uuid::new_v4().to_string())).expect_not_found();
}

pub(crate) fn another_users_todo_is_not_found_and_stays(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let todo = ann.create("Ann's");
    bob.delete(path_of(&todo)).expect_not_found();
    assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
}
