//! `GET /api/v1/todos/{todo_id}`

use uuid::Uuid;

use crate::support::{Api, at, id_of, path_of};

pub(crate) fn a_todo_is_found(api: Api) {
    let ann = api.user();
    let todo = ann.create("Find me");
    let answer = ann.get(path_of(&todo));
    assert_eq!(answer.expect(200), todo);
    assert_eq!(answer.header("etag"), Some("\"1\""));
}

pub(crate) fn an_absent_todo_is_not_found(api: Api) {
    api.user().get(at(&Uuid::new_v4().to_string())).not_found();
}

pub(crate) fn another_users_todo_is_not_found(api: Api) {
    let todo = api.user().create("Ann's");
    api.user().get(path_of(&todo)).not_found();
}

pub(crate) fn a_malformed_id_is_refused(api: Api) {
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
        let answer = ann.get(at(malformed));
        answer.refused(400, "VALIDATION_ERROR", "Invalid todo ID format");
    }
}

pub(crate) fn an_id_is_found_in_either_case(api: Api) {
    let ann = api.user();
    let todo = ann.create("Shouted");
    assert_eq!(ann.get(at(&id_of(&todo).to_uppercase())).expect(200), todo);
    // So is the caller's.
    assert_eq!(api.named(&ann.id().to_uppercase()).get(path_of(&todo)).expect(200), todo);
}
