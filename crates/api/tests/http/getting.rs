//! `GET /api/v1/todos/{todo_id}`

use uuid::Uuid;

use crate::support::{Api, id_of, path_of, todo_path};

pub(crate) fn a_todo_is_found(api: Api) {
    let ann = api.user();
    let todo = ann.create("Find me");
    let response = ann.get(path_of(&todo));
    assert_eq!(response.expect(200), todo);
    assert_eq!(response.header("etag"), Some("\"1\""));
}

pub(crate) fn an_absent_todo_is_not_found(api: Api) {
    api.user().get(todo_path(&Uuid::new_v4().to_string())).expect_not_found();
}

pub(crate) fn another_users_todo_is_not_found(api: Api) {
    let todo = api.user().create("Ann's");
    api.user().get(path_of(&todo)).expect_not_found();
}

pub(crate) fn a_malformed_id_is_rejected(api: Api) {
    let ann = api.user();
    let id = ann.create("Well-formed")["id"].as_str().unwrap().to_owned();
    let bare = id.replace('-', "");
    for malformed in [
        "1",
        "not-a-uuid",
        "stat",
        &bare,
        &id[1..],
        &format!("{id}0"),
        &format!("%7B{id}%7D"),
        &format!("{id}%00"),
        &format!("%20{id}"),
        &format!("urn:uuid:{id}"),
        &id.replace('-', "_"),
        "%F0%9F%A6%80",
        "%FF%FE",
        &"9".repeat(2_000),
    ] {
        let response = ann.get(todo_path(malformed));
        response.expect_error(400, "VALIDATION_ERROR", "Invalid todo ID format");
    }
}

pub(crate) fn an_id_is_found_in_either_case(api: Api) {
    let ann = api.user();
    let todo = ann.create("Shouted");
    assert_eq!(ann.get(todo_path(&id_of(&todo).to_uppercase())).expect(200), todo);
    // The same holds for the caller's id.
    assert_eq!(api.user_with_id(&ann.id().to_uppercase()).get(path_of(&todo)).expect(200), todo);
}
