//! Migrating a database that is in use: calls continue, and waiting is limited.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is a failure")]

mod clocks;
#[path = "../common/mod.rs"]
mod common;
mod concurrent_indexes;
mod distributed;
mod fields;
mod instances;
mod locks;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use chrono::DateTime;
use todo_domain::{NewTodo, Title, TodoId, TodoPatch, TodoRepository, UserId};
use todo_infrastructure::{
    DatabaseUrl, Migration, MigrationCommand, MigrationStatus, Migrations, migrate, open,
};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::common::OPTIONS;

/// A time limit that only ends a hang.
const LONG: Duration = Duration::from_secs(60);
/// A time limit that is meant to pass.
const SHORT: Duration = Duration::from_millis(300);

const USER: UserId = UserId(Uuid::from_u128(1));

fn url(database: &TestDatabase) -> DatabaseUrl {
    database.url().parse().unwrap()
}

/// A migrated Postgres database, and a repository with one todo.
fn in_use() -> Option<(TestDatabase, Arc<dyn TodoRepository>)> {
    let database = TestDatabase::postgres()?;
    let repository = open(&url(&database), &OPTIONS).unwrap();
    block_on(repository.insert(USER, todo(1), None, DateTime::UNIX_EPOCH)).unwrap();
    Some((database, repository))
}

/// A database with a todo, as it was before the migration whose name has this part.
fn before(migration: &str) -> Option<TestDatabase> {
    let (database, repository) = in_use()?;
    drop(repository);
    revert(&database, migration);
    Some(database)
}

/// Reverts the migration whose name has this part, and the later ones.
fn revert(database: &TestDatabase, migration: &str) {
    let status = migrate(&url(database), MigrationCommand::Status, LONG).unwrap();
    let later = status.iter().skip_while(|it| !it.name.contains(migration)).count();
    migrate(&url(database), MigrationCommand::Down(later), LONG).unwrap();
}

fn todo(id: u128) -> NewTodo {
    NewTodo::new(TodoId(Uuid::from_u128(id)), Title::new("title").unwrap(), TodoPatch::default())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

fn wait_for(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "it did not happen in time");
        thread::sleep(Duration::from_millis(5));
    }
}

fn is_applied(status: &[MigrationStatus]) -> bool {
    status.iter().all(|it| it.is_applied)
}

fn add_column() -> Migrations {
    Migrations::new(vec![Migration::sql(
        "2999-01-01-000000_add_colour",
        "ALTER TABLE todos ADD COLUMN colour text;",
        "ALTER TABLE todos DROP COLUMN colour;",
        true,
    )])
}
