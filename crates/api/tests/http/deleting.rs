//! `DELETE /api/v1/todos/{todo_id}`

use serde_json::json;
use uuid::Uuid;

use crate::support::{Api, TODOS, at, path_of};

pub(crate) fn a_deleted_todo_is_gone(api: Api) {
    let ann = api.user();
    let (todo, other) = (ann.create("Done for"), ann.create("Stays"));
    let answer = ann.delete(path_of(&todo));
    answer.expect(204);
    assert!(answer.body.is_empty());

    ann.get(path_of(&todo)).not_found();
    ann.patch(path_of(&todo), &json!({"title": "Come back"})).not_found();
    ann.delete(path_of(&todo)).not_found();
    assert_eq!(ann.items(TODOS), [other]);
}

pub(crate) fn an_absent_todo_is_not_found(api: Api) {
    api.user().delete(at(&Uuid::new_v4().to_string())).not_found();
}

pub(crate) fn another_users_todo_is_not_found_and_stays(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let todo = ann.create("Ann's");
    bob.delete(path_of(&todo)).not_found();
    assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
}
