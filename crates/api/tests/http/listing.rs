//! `GET /api/v1/todos` without parameters.

use serde_json::{Value, json};

use crate::support::{Api, TODOS, id_of};

pub(crate) fn todos_are_listed_newest_first(api: Api) {
    let ann = api.user();
    let mut todos: Vec<_> = ["one", "two", "three"].map(|title| ann.create(title)).into();
    todos.sort_by_key(|it| (it["created_at"].to_string(), id_of(it).to_owned()));
    todos.reverse();
    assert_eq!(ann.items(TODOS), todos);
    assert_eq!(ann.titles(TODOS), ["three", "two", "one"]);
}

pub(crate) fn a_user_without_todos_has_an_empty_list(api: Api) {
    let list = api.user().get(TODOS).expect(200);
    assert_eq!((&list["items"], &list["count"]), (&json!([]), &json!(0)));
}

pub(crate) fn another_users_todos_are_not_listed(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    ann.create("Ann's");
    bob.create("Bob's");
    bob.create("Bob's other");
    assert_eq!(ann.titles(TODOS), ["Ann's"]);
    assert_eq!(bob.titles(TODOS), ["Bob's other", "Bob's"]);
}

pub(crate) fn a_list_has_exactly_the_fields_of_the_contract(api: Api) {
    let ann = api.user();
    for expected in 0..3 {
        let response = ann.get(TODOS);
        let list = response.expect(200);
        let mut keys: Vec<_> = list.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["count", "items", "next_cursor"]);
        assert_eq!(list["count"], expected);
        assert_eq!(list["next_cursor"], Value::Null);
        assert_eq!(response.header("link"), None);
        ann.create("one more");
    }
}
