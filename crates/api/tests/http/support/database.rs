//! The databases that every behaviour is tested on: a fresh one for each test.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use todo_test_support::database::TestDatabase;

/// SQLite in a file, as a server without settings has it.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all databases")]
pub(crate) fn sqlite() -> Option<TestDatabase> {
    Some(TestDatabase::sqlite())
}

/// Postgres, where there is one.
pub(crate) fn postgres() -> Option<TestDatabase> {
    TestDatabase::postgres()
}

/// Runs SQL past the server.
pub(crate) fn execute(database: &TestDatabase, sql: &str) {
    if database.url().starts_with("sqlite:") {
        open_sqlite(database).batch_execute(sql).unwrap();
    } else {
        database.psql(sql);
    }
}

/// Copies the only todo that there is so many times, all in one moment.
pub(crate) fn multiply(database: &TestDatabase, copies: u32) {
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

/// A connection of our own to an SQLite database.
pub(crate) fn open_sqlite(database: &TestDatabase) -> SqliteConnection {
    let file = database.url().trim_start_matches("sqlite://");
    SqliteConnection::establish(file).unwrap()
}
