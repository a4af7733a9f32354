//! A statement that takes too long is rolled back by the time its caller gets the error, and frees its thread.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is a failure")]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::DateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use todo_domain::{
    BulkOutcome, DueBound, NewTodo, PageQuery, RepositoryError, SearchTerm, Sort, Tag, Tags,
    TagsPatch, Title, TodoFilter, TodoId, TodoPatch, TodoRepository, UserId,
};
use todo_infrastructure::{DatabaseOptions, MigrationCommand, migrate, open};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::common::OPTIONS;

const USER: UserId = UserId(Uuid::from_u128(1));
/// With long texts, searching this many takes several times the timeout, even on a fast machine. A bulk call on more is
/// rejected on SQLite.
const TODOS_ON_SQLITE: u64 = 100_000;
const TODOS_ON_POSTGRES: u64 = 300_000;
/// How many todos a call may edit the tags of, by the default timeouts.
const SQLITE_TAG_EDITS: u64 = 5_000;
const POSTGRES_TAG_EDITS: u64 = 45_000;
const TIMEOUT: Duration = Duration::from_millis(40);
/// Only ends a hang.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);

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

fn filled_sqlite(todos: u64) -> TestDatabase {
    let database = TestDatabase::sqlite();
    migrate(&database.url().parse().unwrap(), MigrationCommand::Up, OPTIONS.migrate_timeout)
        .unwrap();
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {todos})
         INSERT INTO todos (user_id, id, title, description, is_completed, created_at, updated_at, version,
             title_folded, description_folded)
         SELECT unhex(printf('%032x', 1)), unhex(printf('%032x', i)), 'title', 'n', 0,
             i, i, 1, 'title', printf('%.*c', 1500, 'n') FROM n"
    );
    SqliteConnection::establish(path).unwrap().batch_execute(&fill).unwrap();
    database
}

fn filled_postgres(todos: u64) -> Option<TestDatabase> {
    let database = TestDatabase::postgres()?;
    migrate(&database.url().parse().unwrap(), MigrationCommand::Up, OPTIONS.migrate_timeout)
        .unwrap();
    database.psql(&format!(
        "INSERT INTO todos SELECT lpad('1', 32, '0')::uuid, lpad(to_hex(i), 32, '0')::uuid, 'title', 'n', false,
             to_timestamp(i), to_timestamp(i), 1, 'title', repeat('n', 3000) FROM generate_series(1, {todos}) AS i"
    ));
    Some(database)
}

/// Each slow call fails, changes nothing, and does not block the next.
async fn assert_rolled_back(database: &TestDatabase, todos: u64) {
    let unhurried = repository(database.url(), HANG_TIMEOUT);
    let repository = repository(database.url(), TIMEOUT);
    let now = DateTime::UNIX_EPOCH;
    let term = SearchTerm::new("nowhere").unwrap();
    let everything = TodoFilter::default();
    let completed = TodoPatch { is_completed: Some(true), ..TodoPatch::default() };
    let search = PageQuery {
        filter: TodoFilter { search: term, ..TodoFilter::default() },
        sort: Sort::default(),
        after: None,
        limit: 20,
    };
    for slow in ["update", "delete", "search"] {
        let result = match slow {
            "update" => {
                match repository
                    .update_matching(USER, everything.clone(), completed.clone(), now)
                    .await
                {
                    // Within so short a timeout, Postgres may change only a few todos. Checking that may be fast.
                    Ok(BulkOutcome::TooMany { .. }) => continue,
                    result => result.map(drop),
                }
            }
            "delete" => match repository.delete_matching(USER, everything.clone(), now).await {
                Ok(BulkOutcome::TooMany { .. }) => continue,
                result => result.map(drop),
            },
            _ => repository.list(USER, search.clone()).await.map(drop),
        };
        assert!(matches!(result, Err(RepositoryError::Unavailable(_))), "{slow}: {result:?}");
    }
    // The only thread is free again. A busy machine may need a few attempts within the timeout. Each inserts another
    // todo, because an attempt that timed out may have inserted its own.
    let started_at = Instant::now();
    let todo = |number| {
        let (id, title) = (TodoId(Uuid::from_u128(number)), Title::new("after").unwrap());
        NewTodo::new(id, title, TodoPatch::default())
    };
    let other = UserId(Uuid::from_u128(2));
    let mut number = 1;
    while repository.insert(other, todo(number), None, now).await.is_err() {
        assert!(started_at.elapsed() < HANG_TIMEOUT, "the writer is still busy");
        number += 1;
    }
    // If a slow write was not rolled back, it has been committed by now: the writer has run a later one.
    let counts =
        unhurried.count(USER, TodoFilter::default(), DueBound::before(now.into())).await.unwrap();
    assert_eq!((counts.total, counts.completed), (todos, 0), "something was changed");
    assert_eq!(unhurried.changed_at(USER).await.unwrap(), None, "the clock was set");
}

#[tokio::test]
async fn a_slow_statement_on_sqlite_is_rolled_back() {
    let database = filled_sqlite(TODOS_ON_SQLITE);
    assert_rolled_back(&database, TODOS_ON_SQLITE).await;
}

#[tokio::test]
async fn a_slow_statement_on_postgres_is_rolled_back() {
    let Some(database) = filled_postgres(TODOS_ON_POSTGRES) else { return };
    assert_rolled_back(&database, TODOS_ON_POSTGRES).await;
}

/// With the default timeouts.
fn default_timeouts() -> DatabaseOptions {
    DatabaseOptions {
        timeout: Duration::from_secs(1),
        bulk_timeout: Duration::from_secs(30),
        ..OPTIONS
    }
}

/// By the default timeouts.
async fn assert_deleted_whole_or_not_at_all(database: &TestDatabase, todos: u64) {
    let patient = repository(database.url(), HANG_TIMEOUT);
    let repository = open(&database.url().parse().unwrap(), &default_timeouts()).unwrap();
    let before = patient.clock(USER).await.unwrap().token();
    let now = DateTime::from_timestamp(2_000_000_000, 0).unwrap();
    let deleted = match repository.delete_matching(USER, TodoFilter::default(), now).await {
        Ok(BulkOutcome::Changed(count)) => count,
        // Too many for SQLite in its time; too slow on a busy machine.
        Ok(BulkOutcome::TooMany { .. }) | Err(RepositoryError::Unavailable(_)) => 0,
        result => panic!("{result:?}"),
    };
    assert!(deleted == todos || deleted == 0, "{deleted}");
    let counts =
        patient.count(USER, TodoFilter::default(), DueBound::before(now.into())).await.unwrap();
    assert_eq!(counts.total, todos - deleted);
    let (mut since, mut tombstones) = (before, 0);
    loop {
        let page = patient.changes(USER, Some(since), 10_000).await.unwrap().unwrap();
        tombstones += page.deleted.len() as u64;
        since = page.next;
        if !page.has_more {
            break;
        }
    }
    assert_eq!(tombstones, deleted);
}

#[tokio::test]
async fn deleting_100_000_todos_on_sqlite_is_carried_out_whole_or_not_at_all() {
    let database = filled_sqlite(TODOS_ON_SQLITE);
    assert_deleted_whole_or_not_at_all(&database, TODOS_ON_SQLITE).await;
}

#[tokio::test]
async fn deleting_100_000_todos_on_postgres_is_carried_out_whole_or_not_at_all() {
    let Some(database) = filled_postgres(100_000) else { return };
    assert_deleted_whole_or_not_at_all(&database, 100_000).await;
}

/// As many todos as a call may change, by the default timeouts, and then one more.
async fn assert_tags_edited_whole_or_not_at_all(database: &TestDatabase, todos: u64) {
    let patient = repository(database.url(), HANG_TIMEOUT);
    let repository = open(&database.url().parse().unwrap(), &default_timeouts()).unwrap();
    let now = DateTime::from_timestamp(2_000_000_000, 0).unwrap();
    let tag = |name| Tag::new(name).unwrap();
    let (add, remove) = (Tags::from(tag("new")), Tags::default());
    let add = TagsPatch::Edit { add, remove };
    let patch = |tags| TodoPatch { tags: Some(tags), ..TodoPatch::default() };
    let everything = TodoFilter::default;
    let result = repository.update_matching(USER, everything(), patch(add.clone()), now).await;
    let edited = match result {
        Ok(BulkOutcome::Changed(count)) => count,
        // Too slow on a busy machine.
        Err(RepositoryError::Unavailable(_)) => 0,
        result => panic!("{result:?}"),
    };
    assert!(edited == todos || edited == 0, "{edited}");
    let with_tag = TodoFilter { tags: vec![tag("NEW")], ..everything() };
    let counts = patient.count(USER, with_tag, DueBound::before(now.into())).await.unwrap();
    assert_eq!(counts.total, edited);
    let one_more = NewTodo::new(
        TodoId(Uuid::from_u128(1 << 100)),
        Title::new("one more").unwrap(),
        patch(TagsPatch::Set(Tags::from(tag("old")))),
    );
    patient.insert(USER, one_more, None, now).await.unwrap();
    let other = TagsPatch::Edit { add: tag("newer").into(), remove: tag("new").into() };
    let result = repository.update_matching(USER, everything(), patch(other), now).await;
    assert!(
        matches!(
            result,
            Ok(BulkOutcome::TooMany { limit }) if limit == todos
        ) || matches!(result, Err(RepositoryError::Unavailable(_))),
        "{result:?}"
    );
}

/// The tags of each todo: nearly as many as it may have.
const TAGS: &str = "old,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s";

#[tokio::test]
async fn editing_tags_on_sqlite_is_carried_out_whole_or_not_at_all() {
    let database = filled_sqlite(SQLITE_TAG_EDITS);
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let tag = format!("UPDATE todos SET tags = '{TAGS}', tags_folded = ',{TAGS},'");
    SqliteConnection::establish(path).unwrap().batch_execute(&tag).unwrap();
    assert_tags_edited_whole_or_not_at_all(&database, SQLITE_TAG_EDITS).await;
}

#[tokio::test]
async fn editing_tags_on_postgres_is_carried_out_whole_or_not_at_all() {
    let Some(database) = filled_postgres(POSTGRES_TAG_EDITS) else { return };
    database.psql(&format!("UPDATE todos SET tags = '{TAGS}', tags_folded = ',{TAGS},'"));
    assert_tags_edited_whole_or_not_at_all(&database, POSTGRES_TAG_EDITS).await;
}
