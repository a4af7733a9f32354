//! `MAX_TODOS_PER_USER`: how many todos a user may have.

use std::thread;

use serde_json::json;
use todo_test_support::clients::http::Response;
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::support::{Api, TODOS, path_of, todo_path};

#[track_caller]
fn refused(response: &Response) {
    let detail = "You have 3 todos, the maximum on this server; delete some first";
    response.expect_error(409, "QUOTA_EXCEEDED", detail);
}

pub(crate) fn a_user_has_no_more_todos_than_the_quota(database: TestDatabase) {
    let api = Api::start(database, &[("MAX_TODOS_PER_USER", "3")]);
    let (ann, bob) = (api.user(), api.user());
    let todos = ["one", "two", "three"].map(|title| ann.create(title));
    let whole = json!({"title": "four", "description": null, "is_completed": false});
    let new = todo_path(&Uuid::new_v4().to_string());
    refused(&ann.post(&json!({"title": "four"})));
    refused(&ann.put(new.as_str(), &whole));
    ann.put(path_of(&todos[0]), &whole).expect(200);
    bob.create("Bob's");
    ann.delete(path_of(&todos[1])).expect(204);
    ann.put(new, &whole).expect(201);
    refused(&ann.put(path_of(&todos[1]), &whole));
    assert_eq!(ann.items(TODOS).len(), 3);
}

pub(crate) fn of_32_racing_writers_as_many_succeed_as_the_quota_allows(database: TestDatabase) {
    let api = Api::start(database, &[("MAX_TODOS_PER_USER", "10"), ("DATABASE_TIMEOUT", "60s")]);
    let ann = api.user();
    let created = thread::scope(|scope| {
        let writers: Vec<_> = (0..32)
            .map(|number| {
                let ann = ann.clone();
                scope.spawn(move || {
                    let title = format!("{number}");
                    let response = if number % 2 == 0 {
                        ann.post(&json!({"title": title}))
                    } else {
                        let whole =
                            json!({"title": title, "description": null, "is_completed": false});
                        ann.put(todo_path(&Uuid::new_v4().to_string()), &whole)
                    };
                    assert!([201, 409].contains(&response.status), "{}", response.status);
                    response.status == 201
                })
            })
            .collect();
        writers.into_iter().map(|it| it.join().unwrap()).filter(|is_created| *is_created).count()
    });
    assert_eq!((created, ann.items(TODOS).len()), (10, 10));
}
