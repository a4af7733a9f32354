//! The change feed with several servers on one database: whoever follows it misses nothing.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is a failure")]

mod bulk;
#[path = "../common/mod.rs"]
mod common;
mod control;
mod copy;
mod missing;
mod offline;
mod purging;
mod undo;
mod writers;

use std::sync::Arc;

use todo_domain::{NewTodo, PageQuery, Sort, Title, TodoFilter, TodoId, TodoPatch, TodoRepository};
use todo_infrastructure::open;
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

type Repository = Arc<dyn TodoRepository>;

/// Two servers on one database.
struct Servers {
    // Dropped before the database, which their threads use.
    repositories: [Repository; 2],
    database: TestDatabase,
}

impl Servers {
    fn sqlite() -> Self {
        Self::on(TestDatabase::sqlite())
    }

    /// `None` if there is no Postgres.
    fn postgres() -> Option<Self> {
        TestDatabase::postgres().map(Self::on)
    }

    fn on(database: TestDatabase) -> Self {
        let url = database.url().parse().unwrap();
        let repositories = [(); 2].map(|()| open(&url, &common::OPTIONS).unwrap());
        Self { repositories, database }
    }

    /// The server of the client with this number.
    fn of(&self, client: usize) -> &Repository {
        &self.repositories[client % self.repositories.len()]
    }
}

/// The todo id with this number.
fn id(number: u64) -> TodoId {
    TodoId(Uuid::from_u128(number.into()))
}

/// A todo whose fields are all set, so that a put replaces all of them.
fn todo(id: TodoId, text: &str, is_completed: bool) -> NewTodo {
    let others = TodoPatch {
        description: Some(None),
        is_completed: Some(is_completed),
        ..TodoPatch::default()
    };
    NewTodo::new(id, Title::new(text).unwrap(), others)
}

fn completed(is_completed: bool) -> TodoPatch {
    TodoPatch { is_completed: Some(is_completed), ..TodoPatch::default() }
}

/// The whole list.
fn all() -> PageQuery {
    PageQuery { filter: TodoFilter::default(), sort: Sort::default(), after: None, limit: 100_000 }
}
