//! The control of [`missing`](crate::missing): a feed in the order of the application's time misses changes.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use futures_util::future::join;
use todo_domain::{PageQuery, Position, Sort, SortKey, TodoId, UserId};
use uuid::Uuid;

use crate::copy::Copy;
use crate::{Repository, Servers, all, id, todo};

const USER: UserId = UserId(Uuid::from_u128(1));

/// The time of a change, by the clock of its server.
fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
}

/// Reads on from a position in the order of `updated_at`.
async fn read_on(
    repository: &Repository,
    seen: &mut BTreeSet<TodoId>,
    after: Option<Position>,
) -> Option<Position> {
    let sort = Sort { key: SortKey::UpdatedAt, descending: false };
    let todos = repository
        .list(USER, PageQuery { sort, after: after.clone(), ..all() })
        .await
        .unwrap()
        .todos;
    seen.extend(todos.iter().map(|todo| todo.id));
    todos.last().map(|last| sort.position_of(last)).or(after)
}

/// Asserts that one who reads between two changes, which become visible in the reverse order of their times, misses the
/// one that was made first.
async fn assert_missed(
    servers: &Servers,
    commit_second: impl FnOnce(),
    commit_first: impl FnOnce(),
) {
    let mut seen = BTreeSet::new();
    commit_second();
    let position = read_on(servers.of(0), &mut seen, None).await;
    commit_first();
    read_on(servers.of(0), &mut seen, position).await;
    assert_eq!(seen, BTreeSet::from([id(2)]));
    let table = servers.of(0).list(USER, all()).await.unwrap().todos;
    assert_eq!(table.len(), 2, "both were committed");
}

/// Opens a transaction in Postgres, and inserts a todo without a clock.
fn insert(number: u64) -> String {
    format!(
        "BEGIN; INSERT INTO todos (user_id, id, title, is_completed, created_at, updated_at, version, title_folded)
         VALUES ('{USER}', '{}', 'title', false, to_timestamp({number}), to_timestamp({number}), 1, 'title')",
        id(number).0
    )
}

#[tokio::test]
async fn by_the_applications_time_a_change_is_missed_on_postgres() {
    let Some(servers) = Servers::postgres() else { return };
    let [mut first, mut second] =
        [(); 2].map(|()| PgConnection::establish(servers.database.url()).unwrap());
    first.batch_execute(&insert(1)).unwrap();
    second.batch_execute(&insert(2)).unwrap();
    assert_missed(
        &servers,
        || second.batch_execute("COMMIT").unwrap(),
        || first.batch_execute("COMMIT").unwrap(),
    )
    .await;
}

#[tokio::test]
async fn by_the_applications_time_a_change_is_missed_on_sqlite() {
    let servers = Servers::sqlite();
    let path = servers.database.url().strip_prefix("sqlite://").unwrap();
    // Two servers that have read their clocks before they wait for the lock.
    let insert = |number: u64| {
        let sql = format!(
            "INSERT INTO todos (user_id, id, title, is_completed, created_at, updated_at, version, title_folded)
             VALUES (x'{}', x'{}', 'title', false, {number}000000, {number}000000, 1, 'title')",
            USER.0.simple(),
            id(number).0.simple()
        );
        SqliteConnection::establish(path).unwrap().batch_execute(&sql).unwrap();
    };
    assert_missed(&servers, || insert(2), || insert(1)).await;
}

/// The same changes, with the owner's clock.
async fn assert_not_missed(servers: &Servers) {
    let mut copy = Copy::default();
    for number in [2, 1] {
        let new = todo(id(number), "title", false);
        let now = at(number.try_into().unwrap());
        servers.of(usize::from(number == 1)).insert(USER, new, None, now).await.unwrap();
        copy.assert_in_step(servers.of(0), USER).await;
    }
    assert_eq!(copy.todos.len(), 2);
}

#[tokio::test]
async fn by_the_owners_clock_the_same_change_is_not_missed_on_sqlite() {
    assert_not_missed(&Servers::sqlite()).await;
}

#[tokio::test]
async fn by_the_owners_clock_the_same_change_is_not_missed_on_postgres() {
    let Some(servers) = Servers::postgres() else { return };
    assert_not_missed(&servers).await;
}

/// Of two transactions that are open at once, the later one waits: so no reader sees it without the earlier one.
#[tokio::test]
async fn with_the_owners_clock_a_change_waits_for_the_one_before_it_to_commit() {
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let Some(servers) = Servers::postgres() else { return };
    let mut first = PgConnection::establish(servers.database.url()).unwrap();
    let tick = format!("INSERT INTO user_clocks VALUES ('{USER}', to_timestamp(1))");
    first.batch_execute(&format!("{}; {tick}", insert(1))).unwrap();
    let second = servers.of(0).insert(USER, todo(id(2), "title", false), None, at(2));
    let commit_first = async {
        while servers.database.psql(WAITING) == "0" {
            tokio::task::yield_now().await;
        }
        let mut copy = Copy::default();
        copy.assert_in_step(servers.of(1), USER).await;
        assert!(copy.todos.is_empty());
        first.batch_execute("COMMIT").unwrap();
        copy
    };
    let (inserted, mut copy) = join(second, commit_first).await;
    inserted.unwrap();
    copy.assert_in_step(servers.of(1), USER).await;
    assert_eq!(copy.todos.len(), 2);
}
