//! No operation of the API description reveals or changes another user's todos.

use std::thread;

use serde_json::json;
use uuid::Uuid;

use crate::support::{Api, Response, TODOS, id_of, path_of, todo_path};

/// Operations on one todo of the caller. Every new operation has to be added to one of these lists.
const ON_ONE_TODO: [&str; 4] = ["getTodo", "putTodo", "updateTodo", "deleteTodo"];

/// Operations on all todos of the caller.
const ON_ALL_TODOS: [&str; 10] = [
    "createTodo",
    "listTodos",
    "listChanges",
    "updateTodos",
    "deleteTodos",
    "todoStats",
    "streamEvents",
    "listTags",
    "renameTag",
    "deleteTag",
];

/// Operations that concern no todos.
const ON_NO_TODOS: [&str; 3] = ["whoAmI", "health", "ready"];

/// Conditions that could distinguish an absent todo from another user's.
const CONDITIONS: [&[(&str, &str)]; 5] = [
    &[],
    &[("If-Match", "*")],
    &[("If-Match", "\"1\"")],
    &[("If-Match", "\"99\"")],
    &[("If-None-Match", "*")],
];

/// A response without the parts that always differ: the request id, the date, and the id of the todo.
fn comparable(response: &Response, todo_id: &str) -> (u16, Vec<(String, String)>, String) {
    let request_id = response.header("x-request-id").unwrap();
    let mut headers = response.headers.clone();
    headers.retain(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    for (_, value) in &mut headers {
        *value = value.replace(todo_id, "ID");
    }
    headers.sort();
    let mut body = response.text().replace(request_id, "REQUEST").replace(todo_id, "ID");
    if response.status == 201 {
        // The other user's own new todo, except for its timestamps.
        let mut todo = response.json();
        todo["id"] = json!("ID");
        todo["created_at"] = json!("NOW");
        todo["updated_at"] = json!("NOW");
        body = todo.to_string();
    }
    (response.status, headers, body)
}

pub(crate) fn another_users_todo_looks_like_an_absent_one(api: Api) {
    let owner = api.user();
    let todos: Vec<_> = ["one", "two"].map(|title| owner.create(title)).into();
    let completed = json!({"is_completed": true});
    owner.patch(path_of(&todos[0]), &completed).expect(200);
    let before = owner.items(TODOS);

    let operations = api.operations();
    for operation in &operations {
        let known = [&ON_ONE_TODO[..], &ON_ALL_TODOS, &ON_NO_TODOS].concat();
        assert!(known.contains(&&*operation.id), "add {} to one of the lists", operation.id);
        assert_eq!(operation.has_parameter("todo_id"), ON_ONE_TODO.contains(&&*operation.id));
        assert_eq!(operation.needs_caller(), !operation.template.starts_with("/health"));
    }
    for operation in operations.iter().filter(|it| it.has_parameter("todo_id")) {
        for condition in CONDITIONS {
            for todo in &todos {
                // A user without a past: deleted todos leave tombstones.
                let other = api.user();
                let ask = |id: &str| {
                    let call = operation.call(&other, id);
                    let call =
                        condition.iter().fold(call, |call, (name, value)| call.header(name, value));
                    let response = call.send();
                    // Delete what a put may have created.
                    other.delete(format!("{TODOS}?all=true")).expect(200);
                    comparable(&response, id)
                };
                let absent = Uuid::now_v7().to_string();
                assert_eq!(ask(id_of(todo)), ask(&absent), "{} {condition:?}", operation.id);
            }
        }
    }
    assert_eq!(owner.items(TODOS), before);
}

pub(crate) fn operations_on_many_todos_affect_only_the_callers_own(api: Api) {
    let (owner, other) = (api.user(), api.user());
    let create = |title| owner.post(&json!({"title": title, "tags": ["errands"]})).expect(201);
    let todos: Vec<_> = ["three", "two", "one"].map(create).into();
    let before = owner.items(TODOS);
    assert_eq!(before.len(), todos.len());
    let cursor = owner.get(format!("{TODOS}?limit=1")).expect(200)["next_cursor"].clone();

    for operation in api.user_operations().iter().filter(|it| !it.has_parameter("todo_id")) {
        let response = operation.call(&other, "").send();
        let body = match operation.id.as_str() {
            "createTodo" => {
                other.delete(format!("{TODOS}?all=true")).expect(200);
                continue;
            }
            "streamEvents" => {
                assert_eq!(response.status, 200);
                assert!(!response.text().contains("event:"), "{}", response.text());
                continue;
            }
            _ => response.expect(200),
        };
        let nothing = match operation.id.as_str() {
            "listChanges" => {
                assert_eq!((&body["items"], &body["deleted"]), (&json!([]), &json!([])));
                continue;
            }
            "listTodos" => json!({"items": [], "count": 0, "next_cursor": null}),
            "whoAmI" => {
                assert_eq!(body["user_id"], other.id());
                continue;
            }
            "todoStats" => json!({
                "total": 0, "active": 0, "completed": 0, "overdue": 0,
                "by_priority": {"low": 0, "medium": 0, "high": 0},
            }),
            "listTags" => json!({"items": []}),
            _ => json!({"affected": 0}),
        };
        assert_eq!(body, nothing, "{}", operation.id);
    }
    // The owner's cursor does not work for the other user, for any list.
    let cursor = cursor.as_str().unwrap();
    other.get(format!("{TODOS}?limit=1&cursor={cursor}")).expect_invalid_fields(&["cursor"]);
    assert!(other.items(format!("{TODOS}?q=o")).is_empty());
    assert_eq!(owner.items(TODOS), before);
}

/// All users concurrently request the same ids, of which each owns half, and their own lists: the server batches these
/// calls and must not mix up the responses.
pub(crate) fn concurrent_users_see_only_their_own_todos(api: Api) {
    const USERS: usize = 12;
    let ids: Vec<_> = (0..USERS).map(|_| Uuid::now_v7().to_string()).collect();
    thread::scope(|scope| {
        for number in 0..USERS {
            let (api, ids) = (&api, &ids);
            scope.spawn(move || {
                let user = api.user();
                let own: Vec<_> = ids.iter().skip(number).step_by(2).collect();
                for id in &own {
                    let todo =
                        json!({"title": user.id(), "description": null, "is_completed": false});
                    user.put(todo_path(id), &todo).expect(201);
                }
                for id in ids {
                    let response = user.get(todo_path(id));
                    if own.contains(&id) {
                        assert_eq!(response.expect(200)["title"], user.id());
                    } else {
                        response.expect_error(404, "NOT_FOUND", "Todo not found");
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
