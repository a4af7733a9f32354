//! The migration that recomputes the folded columns, on which searches rely.

use chrono::DateTime;
use todo_domain::{DueBound, PageQuery, SearchTerm, Sort, TodoFilter, UserId};
use todo_infrastructure::{MigrationCommand, migrate, open};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::common::OPTIONS;
use crate::{execute, lines, url};

/// Fills the database with rows folded as before the migration, and searches for them after it.
async fn assert_found_after_migration(database: &TestDatabase, user: UserId, fill: &str) {
    let url = url(database);
    let all = migrate(&url, MigrationCommand::Up, OPTIONS.migrate_timeout).unwrap().len();
    let all_but_the_first = MigrationCommand::Down(all - 1);
    migrate(&url, all_but_the_first, OPTIONS.migrate_timeout).unwrap();
    execute(database, fill);
    let versions =
        || lines(database, "SELECT title || version || updated_at AS line FROM todos ORDER BY 1");
    let before = versions();

    let repository = open(&url, &OPTIONS).unwrap();
    let now = DueBound::before(DateTime::UNIX_EPOCH.into());
    for (text, expected) in
        [("caf\u{e9}", 2), ("CAFE\u{301}", 2), ("stra\u{df}e", 700), ("milk", 1)]
    {
        let filter = TodoFilter { search: SearchTerm::new(text).unwrap(), ..TodoFilter::default() };
        let counts = repository.count(user, filter.clone(), now).await.unwrap();
        assert_eq!(counts.total, expected, "{text}");
        let query = PageQuery { filter, sort: Sort::default(), after: None, limit: 1_000 };
        assert_eq!(
            repository.list(user, query).await.unwrap().todos.len() as u64,
            expected,
            "{text}"
        );
    }
    // The todos have not changed.
    assert_eq!(versions(), before);
    // It is idempotent.
    migrate(&url, all_but_the_first, OPTIONS.migrate_timeout).unwrap();
    migrate(&url, MigrationCommand::Up, OPTIONS.migrate_timeout).unwrap();
    assert_eq!(versions(), before);
}

/// Text, folded as before the migration, and number of rows.
const TEXTS: [(&str, &str, usize); 4] = [
    ("Caf\u{e9}", "caf\u{e9}", 1),
    ("Stra\u{df}e", "strasse", 700),
    ("Cafe\u{301}", "cafe\u{301}", 1),
    ("Milk", "milk", 1),
];

#[tokio::test]
async fn old_todos_are_found_by_composed_and_decomposed_letters_in_postgres() {
    let Some(database) = TestDatabase::postgres() else { return };
    let user = UserId(Uuid::new_v4());
    let fill = TEXTS.map(|(text, folded, count)| {
        format!(
            "INSERT INTO todos SELECT '{user}', gen_random_uuid(), '{text}', '{text}', false, now(), now(), 1,
             '{folded}', '{folded}' FROM generate_series(1, {count});"
        )
    });
    assert_found_after_migration(&database, user, &fill.concat()).await;
}

#[tokio::test]
async fn old_todos_are_found_by_composed_and_decomposed_letters_in_sqlite() {
    let user = UserId(Uuid::new_v4());
    let blob = user.0.simple();
    let fill = TEXTS.map(|(text, folded, count)| {
        format!(
            "WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {count})
             INSERT INTO todos SELECT x'{blob}', randomblob(16), '{text}', '{text}', false, 0, 0, 1,
             '{folded}', '{folded}' FROM series;"
        )
    });
    assert_found_after_migration(&TestDatabase::sqlite(), user, &fill.concat()).await;
}
