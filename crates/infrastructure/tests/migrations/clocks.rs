//! The migration that adds owners' clocks, and fills them, in a database that is in use.

use chrono::{DateTime, Utc};
use todo_domain::{UserId, VersionMatch};
use todo_infrastructure::{MigrationCommand, migrate, open};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::common::OPTIONS;
use crate::{execute, lines, url};

const USERS: [UserId; 2] = [UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2))];

const COUNTS: &str = "
    SELECT (SELECT count(*) FROM todos) || ' ' || (SELECT count(*) FROM user_clocks) || ' '
        || (SELECT count(*) FROM tombstones) || ' ' || (SELECT count(*) FROM feed) AS line";

fn seconds(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// `fill` adds todos of a user, the last of which changed this many seconds after 1970.
async fn assert_filled(database: &TestDatabase, fill: impl Fn(UserId, i64) -> String) {
    let url = url(database);
    let migrate = |command| migrate(&url, command, OPTIONS.migrate_timeout).unwrap();
    let all = migrate(MigrationCommand::Up);
    let earlier = all.iter().take_while(|it| !it.name.contains("user_clocks")).count();
    let revert = MigrationCommand::Down(all.len() - earlier);
    migrate(revert);
    execute(database, &(fill(USERS[0], 30) + &fill(USERS[1], 20)));
    migrate(MigrationCommand::Up);
    assert_eq!(lines(database, COUNTS), ["6 2 0 1"]);

    let repository = open(&url, &OPTIONS).unwrap();
    for (user, last) in USERS.into_iter().zip([30, 20]) {
        let clock = repository.clock(user).await.unwrap();
        assert_eq!((clock.changed_at, clock.purged_at), (Some(seconds(last)), None));
        let changes = repository.changes(user, None, 10).await.unwrap().unwrap();
        assert_eq!(changes.items.len(), 3);
    }
    let todo = repository.changes(USERS[0], None, 10).await.unwrap().unwrap().items.remove(0);
    repository.delete(USERS[0], todo.id, VersionMatch::Any, seconds(40)).await.unwrap();
    assert_eq!(lines(database, COUNTS), ["5 2 1 1"]);
    drop(repository);

    // Reverting it keeps the todos.
    migrate(revert);
    assert_eq!(lines(database, "SELECT count(*) || '' AS line FROM todos"), ["5"]);
    migrate(MigrationCommand::Up);
    assert_eq!(lines(database, COUNTS), ["5 2 0 1"]);
}

#[tokio::test]
async fn owners_clocks_show_their_last_changes_in_postgres() {
    let Some(database) = TestDatabase::postgres() else { return };
    let fill = |user, last| {
        format!(
            "INSERT INTO todos (user_id, id, title, is_completed, created_at, updated_at, version, title_folded)
             SELECT '{user}', gen_random_uuid(), 'title', false, to_timestamp(1), to_timestamp({last} - n), 1, 'title'
             FROM generate_series(0, 2) AS n;"
        )
    };
    assert_filled(&database, fill).await;
}

#[tokio::test]
async fn owners_clocks_show_their_last_changes_in_sqlite() {
    let fill = |user: UserId, last| {
        format!(
            "WITH RECURSIVE series (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n < 2)
             INSERT INTO todos (user_id, id, title, is_completed, created_at, updated_at, version, title_folded)
             SELECT x'{}', randomblob(16), 'title', 0, 1000000, ({last} - n) * 1000000, 1, 'title' FROM series;",
            user.0.simple()
        )
    };
    assert_filled(&TestDatabase::sqlite(), fill).await;
}
