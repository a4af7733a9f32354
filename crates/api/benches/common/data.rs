//! The test data: 1,000 users with 20 todos each, and one with 100,000.

use todo_test_support::clients::http::{Client, Request};
use todo_test_support::server::Server;
use uuid::Uuid;

/// The number of users with [`TODOS_PER_USER`] todos.
pub(crate) const USERS: u64 = 1_000;
/// The number of todos of each.
pub(crate) const TODOS_PER_USER: u64 = 20;
/// The user with [`BIG_USER_TODOS`].
pub(crate) const BIG_USER: u64 = 1_000_000;
const BIG_USER_TODOS: u64 = 100_000;
/// A tag that one of 10,000 todos has. All have two others.
pub(crate) const RARE_TAG: &str = "rare";
/// The position of the deep page.
const DEEP: usize = 90_000;
/// The number of connections that create the data.
const LOADERS: u64 = 32;

/// What the load needs to know about the data.
#[derive(Debug)]
pub(crate) struct Dataset {
    /// The cursor of the deep page.
    pub(crate) deep_cursor: String,
}

/// The id of a user, by number.
pub(crate) fn user_id(user: u64) -> Uuid {
    Uuid::from_u128(user.into())
}

/// The id of a user's todo, by number.
pub(crate) fn todo_id(user: u64, todo: u64) -> Uuid {
    Uuid::from_u128((u128::from(user) << 48) | u128::from(todo))
}

impl Dataset {
    /// Creates the data, by PUT over HTTP.
    pub(crate) fn create(server: &Server) -> Self {
        std::thread::scope(|scope| {
            for loader in 0..LOADERS {
                scope.spawn(move || {
                    let mut client = Client::new(server.port(), "");
                    let mut request = Request::default();
                    for user in (loader..USERS).step_by(usize::try_from(LOADERS).expect("a few")) {
                        for todo in 0..TODOS_PER_USER {
                            put(&mut client, &mut request, user, todo);
                        }
                    }
                    for todo in
                        (loader..BIG_USER_TODOS).step_by(usize::try_from(LOADERS).expect("a few"))
                    {
                        put(&mut client, &mut request, BIG_USER, todo);
                    }
                });
            }
        });
        let mut client = Client::new(server.port(), &user_id(BIG_USER).to_string());
        let mut cursor = String::new();
        for _ in 0..DEEP / 200 {
            let parameter =
                if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
            let target = format!("/api/v1/todos?limit=200{parameter}");
            let page = client.get(&target).expect("the server responds").expect(200);
            page["next_cursor"].as_str().expect("not the last page").clone_into(&mut cursor);
        }
        Self { deep_cursor: cursor }
    }
}

fn put(client: &mut Client, request: &mut Request, user: u64, todo: u64) {
    let is_completed = todo.is_multiple_of(3);
    let rare = if todo.is_multiple_of(10_000) { format!(",\"{RARE_TAG}\"") } else { String::new() };
    let body = format!(
        "{{\"title\":\"Buy groceries {todo}\",\"description\":\"Milk, eggs, bread\",\"is_completed\":{is_completed},\
         \"priority\":\"high\",\"due\":\"2026-03-01\",\"tags\":[\"home\",\"shopping\"{rare}]}}"
    );
    let target = format!("/api/v1/todos/{}", todo_id(user, todo));
    request.set_json("PUT", &target, user_id(user), Some(&body));
    client.send(request).expect("the server responds").expect(201);
}
