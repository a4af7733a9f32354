//! A statement that takes too long is undone by the time that its caller is told so, and lets the next one run.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::DateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use todo_domain::{
    PageQuery, RepositoryError, SearchTerm, Sort, TodoCounts, TodoFilter, TodoRepository, UserId,
};
use todo_infrastructure::{DatabaseOptions, MigrationCommand, migrate, open};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::common::OPTIONS;

const USER: UserId = UserId(Uuid::from_u128(1));
/// With texts long enough to search, this many keep the fastest machine busy for several times the timeout. On SQLite,
/// more would be refused without a look at the clock.
const TODOS_ON_SQLITE: u64 = 100_000;
const TODOS_ON_POSTGRES: u64 = 300_000;
const TIMEOUT: Duration = Duration::from_millis(40);
/// What takes longer hangs.
const HANGS: Duration = Duration::from_secs(60);

fn repository(url: &str, timeout: Duration) -> Arc<dyn TodoRepository> {
    let options = DatabaseOptions {
        pool_size: 1,
        timeout,
        bulk_timeout: timeout,
        migrate_on_start: false,
        ..OPTIONS
    };
    open(&url.parse().unwrap(), &options).unwrap()
}

fn prepared_sqlite() -> TestDatabase {
    let database = TestDatabase::sqlite();
    migrate(&database.url().parse().unwrap(), MigrationCommand::Up, OPTIONS.migrate_timeout)
        .unwrap();
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {TODOS_ON_SQLITE})
         INSERT INTO todos SELECT unhex(printf('%032x', 1)), unhex(printf('%032x', i)), 'title', 'n', 0,
             i, i, 1, 'title', printf('%.*c', 1500, 'n') FROM n"
    );
    SqliteConnection::establish(path).unwrap().batch_execute(&fill).unwrap();
    database
}

fn prepared_postgres() -> Option<TestDatabase> {
    let database = TestDatabase::postgres()?;
    migrate(&database.url().parse().unwrap(), MigrationCommand::Up, OPTIONS.migrate_timeout)
        .unwrap();
    database.psql(&format!(
        "INSERT INTO todos SELECT lpad('1', 32, '0')::uuid, lpad(to_hex(i), 32, '0')::uuid, 'title', 'n', false,
             to_timestamp(i), to_timestamp(i), 1, 'title', repeat('n', 3000) FROM generate_series(1, {TODOS_ON_POSTGRES}) AS i"
    ));
    Some(database)
}

/// Every slow call is given up, changes nothing, and leaves the way free for the next.
async fn assert_undone(database: &TestDatabase, todos: u64) {
    let patient = repository(database.url(), HANGS);
    let repository = repository(database.url(), TIMEOUT);
    let now = DateTime::UNIX_EPOCH;
    let unfindable = SearchTerm::new("nowhere").unwrap();
    let everything = TodoFilter::default();
    let search = PageQuery {
        filter: TodoFilter { search: unfindable, ..TodoFilter::default() },
        sort: Sort::default(),
        after: None,
        limit: 20,
    };
    for slow in ["update", "delete", "search"] {
        let result = match slow {
            "update" => {
                repository.update_matching(USER, everything.clone(), true, now).await.map(drop)
            }
            "delete" => repository.delete_matching(USER, everything.clone()).await.map(drop),
            _ => repository.list(USER, search.clone()).await.map(drop),
        };
        assert!(matches!(result, Err(RepositoryError::Unavailable(_))), "{slow}: {result:?}");
    }
    // The one connection is free again; a busy machine may need a few tries within the timeout. Each makes a todo of
    // its own, for one that was given up may have been made.
    let begun = Instant::now();
    let todo = |number| todo_domain::NewTodo {
        id: todo_domain::TodoId(Uuid::from_u128(number)),
        title: todo_domain::Title::new("after").unwrap(),
        description: None,
        is_completed: false,
    };
    let other = UserId(Uuid::from_u128(2));
    let mut number = 1;
    while repository.insert(other, todo(number), now).await.is_err() {
        assert!(begun.elapsed() < HANGS, "the writer is still busy");
        number += 1;
    }
    // What was not undone is done by now: the writer is past it.
    let counts = patient.count(USER, TodoFilter::default()).await.unwrap();
    assert_eq!(counts, TodoCounts { total: todos, completed: 0 }, "something was changed");
}

#[tokio::test]
async fn what_takes_too_long_on_sqlite_is_undone() {
    let database = prepared_sqlite();
    assert_undone(&database, TODOS_ON_SQLITE).await;
}

#[tokio::test]
async fn what_takes_too_long_on_postgres_is_undone() {
    let Some(database) = prepared_postgres() else { return };
    assert_undone(&database, TODOS_ON_POSTGRES).await;
}
