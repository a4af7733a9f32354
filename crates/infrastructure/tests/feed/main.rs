//! The change feed with several servers on one database: a client that follows it misses no change.

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
use todo_infrastructure::{DatabaseOptions, open};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

type Repository = Arc<dyn TodoRepository>;

/// Servers on one database.
struct Servers {
    // Dropped before the database, which their threads use.
    repositories: Vec<Repository>,
    database: TestDatabase,
}

impl Servers {
    fn sqlite() -> Self {
        Self::on(TestDatabase::sqlite(), 2, &common::OPTIONS)
    }

    /// `None` if there is no Postgres.
    fn postgres() -> Option<Self> {
        Some(Self::on(TestDatabase::postgres()?, 2, &common::OPTIONS))
    }

    /// Many small servers. `None` if there is no Postgres.
    fn many_on_postgres() -> Option<Self> {
        let options = DatabaseOptions { pool_size: 1, ..common::OPTIONS };
        Some(Self::on(TestDatabase::postgres()?, 8, &options))
    }

    fn on(database: TestDatabase, count: usize, options: &DatabaseOptions) -> Self {
        let url = database.url().parse().unwrap();
        let repositories = (0..count).map(|_| open(&url, options).unwrap()).collect();
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
