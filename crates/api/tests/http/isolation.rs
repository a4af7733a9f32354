//! No user learns or changes anything of another's, by any operation that the API description has.

use std::thread;

use serde_json::json;
use uuid::Uuid;

use crate::support::{Answer, Api, TODOS, at, id_of, path_of};

/// Operations about one todo of the caller's. What a new operation is about has to be said here.
const ABOUT_ONE: [&str; 4] = ["getTodo", "putTodo", "updateTodo", "deleteTodo"];

/// Operations about all that a caller has.
const ABOUT_ALL: [&str; 5] = ["createTodo", "listTodos", "updateTodos", "deleteTodos", "todoStats"];

/// Operations about nobody's todos.
const ABOUT_NONE: [&str; 2] = ["health", "ready"];

/// Conditions that could make a difference between absence and another's presence.
const CONDITIONS: [&[(&str, &str)]; 5] = [
    &[],
    &[("If-Match", "*")],
    &[("If-Match", "\"1\"")],
    &[("If-Match", "\"99\"")],
    &[("If-None-Match", "*")],
];

/// An answer without what differs from one to the next: its id, its date, and the todo's own.
fn comparable(answer: &Answer, todo_id: &str) -> (u16, Vec<(String, String)>, String) {
    let request_id = answer.header("x-request-id").unwrap();
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    for (_, value) in &mut headers {
        *value = value.replace(todo_id, "ID");
    }
    headers.sort();
    let mut body = answer.text().replace(request_id, "REQUEST").replace(todo_id, "ID");
    if answer.status == 201 {
        // What was put is the stranger's own, but for the moment of its making.
        let mut todo = answer.json();
        todo["id"] = json!("ID");
        todo["created_at"] = json!("NOW");
        todo["updated_at"] = json!("NOW");
        body = todo.to_string();
    }
    (answer.status, headers, body)
}

pub(crate) fn a_stranger_cannot_tell_a_todo_of_another_from_one_that_never_was(api: Api) {
    let (owner, stranger) = (api.user(), api.user());
    let todos: Vec<_> = ["one", "two"].map(|title| owner.create(title)).into();
    let completed = json!({"is_completed": true});
    owner.patch(path_of(&todos[0]), &completed).expect(200);
    let before = owner.items(TODOS);

    let operations = api.operations();
    for operation in &operations {
        let known = [&ABOUT_ONE[..], &ABOUT_ALL, &ABOUT_NONE].concat();
        assert!(known.contains(&&*operation.id), "say what {} is about", operation.id);
        assert_eq!(operation.takes("todo_id"), ABOUT_ONE.contains(&&*operation.id));
        assert_eq!(operation.needs_caller(), !ABOUT_NONE.contains(&&*operation.id));
    }
    for operation in operations.iter().filter(|it| it.takes("todo_id")) {
        for condition in CONDITIONS {
            for todo in &todos {
                let ask = |id: &str| {
                    let call = operation.call(&stranger, id);
                    let call =
                        condition.iter().fold(call, |call, (name, value)| call.header(name, value));
                    let answer = call.send();
                    // What it may have put itself.
                    stranger.delete(format!("{TODOS}?all=true")).expect(200);
                    comparable(&answer, id)
                };
                let never_was = Uuid::now_v7().to_string();
                assert_eq!(ask(id_of(todo)), ask(&never_was), "{} {condition:?}", operation.id);
            }
        }
    }
    assert_eq!(owner.items(TODOS), before);
}

pub(crate) fn what_concerns_many_stops_at_the_callers_own(api: Api) {
    let (owner, stranger) = (api.user(), api.user());
    let todos: Vec<_> = ["three", "two", "one"].map(|title| owner.create(title)).into();
    let before = owner.items(TODOS);
    assert_eq!(before.len(), todos.len());
    let cursor = owner.get(format!("{TODOS}?limit=1")).expect(200)["next_cursor"].clone();

    for operation in api.operations_of_users().iter().filter(|it| !it.takes("todo_id")) {
        let answer = operation.call(&stranger, "").send();
        let body = match operation.id.as_str() {
            "createTodo" => {
                stranger.delete(format!("{TODOS}?all=true")).expect(200);
                continue;
            }
            _ => answer.expect(200),
        };
        let nothing = match operation.id.as_str() {
            "listTodos" => json!({"items": [], "count": 0, "next_cursor": null}),
            "todoStats" => json!({"total": 0, "active": 0, "completed": 0}),
            _ => json!({"affected": 0}),
        };
        assert_eq!(body, nothing, "{}", operation.id);
    }
    // Nor does the owner's cursor open the owner's list, or any other.
    let cursor = cursor.as_str().unwrap();
    stranger.get(format!("{TODOS}?limit=1&cursor={cursor}")).bad_fields(&["cursor"]);
    assert!(stranger.items(format!("{TODOS}?q=o")).is_empty());
    assert_eq!(owner.items(TODOS), before);
}

/// At one moment all ask for the same ids, of which each has some, and for their lists: answers that are made together
/// are not mixed up.
pub(crate) fn a_crowd_at_once_sees_nothing_of_each_other(api: Api) {
    const CROWD: usize = 12;
    let ids: Vec<_> = (0..CROWD).map(|_| Uuid::now_v7().to_string()).collect();
    thread::scope(|scope| {
        for number in 0..CROWD {
            let (api, ids) = (&api, &ids);
            scope.spawn(move || {
                let user = api.user();
                let own: Vec<_> = ids.iter().skip(number).step_by(2).collect();
                for id in &own {
                    let todo =
                        json!({"title": user.id(), "description": null, "is_completed": false});
                    user.put(at(id), &todo).expect(201);
                }
                for id in ids {
                    let answer = user.get(at(id));
                    if own.contains(&id) {
                        assert_eq!(answer.expect(200)["title"], user.id());
                    } else {
                        answer.refused(404, "NOT_FOUND", "Todo not found");
                    }
                    user.create(user.id());
                    let list = user.items(TODOS);
                    assert!(list.iter().all(|todo| todo["title"] == user.id()), "{list:?}");
                }
                assert_eq!(user.items(TODOS).len(), own.len() + ids.len());
            });
        }
    });
}
