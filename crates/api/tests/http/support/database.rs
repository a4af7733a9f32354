//! The databases that every behaviour is tested on, a fresh one per test.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use todo_test_support::database::TestDatabase;

/// A SQLite file, the server's default.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all databases")]
pub(crate) fn sqlite() -> Option<TestDatabase> {
    Some(TestDatabase::sqlite())
}

/// Postgres, if it is installed.
pub(crate) fn postgres() -> Option<TestDatabase> {
    TestDatabase::postgres()
}

/// Runs SQL directly in the database.
pub(crate) fn execute(database: &TestDatabase, sql: &str) {
    if database.url().starts_with("sqlite:") {
        open_sqlite(database).batch_execute(sql).unwrap();
    } else {
        database.psql(sql);
    }
}

/// Copies the only todo this many times, with the same timestamps.
pub(crate) fn duplicate(database: &TestDatabase, copies: u32) {
    let (numbers, id) = if database.url().starts_with("sqlite:") {
        let numbers = format!(
            "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {copies}) \
             SELECT n FROM numbers)"
        );
        (numbers, "randomblob(16)")
    } else {
        (format!("generate_series(1, {copies})"), "gen_random_uuid()")
    };
    let columns = "title, description, is_completed, created_at, updated_at, version, title_folded, \
                   description_folded";
    let sql = format!(
        "INSERT INTO todos (user_id, id, {columns}) SELECT user_id, {id}, {columns} FROM todos, {numbers} AS numbers"
    );
    execute(database, &sql);
}

/// Opens a separate connection to a SQLite database.
pub(crate) fn open_sqlite(database: &TestDatabase) -> SqliteConnection {
    let file = database.url().trim_start_matches("sqlite://");
    SqliteConnection::establish(file).unwrap()
}
