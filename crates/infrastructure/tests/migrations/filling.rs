//! The migrations that add `completed_at`, and fill it for the todos that are completed already.

use chrono::{DateTime, Utc};
use todo_domain::{PageQuery, Sort, SortKey, TodoFilter, UserId};
use todo_infrastructure::{MigrationCommand, migrate, open};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::common::OPTIONS;
use crate::{execute, lines, url};

const USERS: [UserId; 2] = [UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2))];

/// When the todos with an even number were completed, and the others last changed: this many seconds after 1970.
fn updated_at(number: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_000 + number, 0).unwrap()
}

/// All todos, by number.
fn all() -> PageQuery {
    let sort = Sort { key: SortKey::UpdatedAt, descending: false };
    PageQuery { filter: TodoFilter::default(), sort, after: None, limit: 10 }
}

/// Adds todos 1 to 4 of each user as the release before does, in a database that it migrated, and reads them after the
/// migrations.
async fn assert_filled(database: &TestDatabase, fill: impl Fn(UserId) -> String) {
    let url = url(database);
    let count = migrate(&url, MigrationCommand::Up, OPTIONS.migrate_timeout).unwrap().len();
    migrate(&url, MigrationCommand::Down(count - 1), OPTIONS.migrate_timeout).unwrap();
    execute(database, &USERS.map(&fill).concat());

    let repository = open(&url, &OPTIONS).unwrap();
    let stored = "SELECT count(*) || '' AS line FROM todos WHERE completed_at = updated_at";
    assert_eq!(lines(database, stored), ["4"]);
    for user in USERS {
        let todos = repository.list(user, all()).await.unwrap().todos;
        let times: Vec<_> = todos.iter().map(|it| (it.completed_at, it.version)).collect();
        let completed = |number| (Some(updated_at(number)), 1);
        assert_eq!(times, [(None, 1), completed(2), (None, 1), completed(4)]);
    }

    // The release before completes and reopens todos without writing the new column.
    execute(database, "UPDATE todos SET is_completed = NOT is_completed");
    for user in USERS {
        for todo in repository.list(user, all()).await.unwrap().todos {
            assert_eq!(todo.completed_at, todo.is_completed.then_some(todo.updated_at));
        }
    }
}

#[tokio::test]
async fn completed_todos_get_a_time_of_completion_in_postgres() {
    let Some(database) = TestDatabase::postgres() else { return };
    let fill = |user| {
        format!(
            "INSERT INTO todos SELECT '{user}', gen_random_uuid(), 'title', NULL, n % 2 = 0, to_timestamp(1000),
             to_timestamp(1000 + n), 1, 'title', NULL FROM generate_series(1, 4) AS n;"
        )
    };
    assert_filled(&database, fill).await;
}

#[tokio::test]
async fn completed_todos_get_a_time_of_completion_in_sqlite() {
    let fill = |user: UserId| {
        format!(
            "WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < 4)
             INSERT INTO todos SELECT x'{}', randomblob(16), 'title', NULL, n % 2 = 0, 1000000000,
             (1000 + n) * 1000000, 1, 'title', NULL FROM series;",
            user.0.simple()
        )
    };
    assert_filled(&TestDatabase::sqlite(), fill).await;
}
