//! The migrations can be reverted, and match the committed `schema.rs`; several instances can apply them at once. Also
//! what `open` rejects at start-up.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is a failure")]

mod clocks;
#[path = "../common/mod.rs"]
mod common;
mod fields;
mod filling;
mod opening;
mod refolding;
mod reverting;
mod schema;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use todo_infrastructure::DatabaseUrl;
use todo_test_support::database::TestDatabase;

fn url(database: &TestDatabase) -> DatabaseUrl {
    database.url().parse().unwrap()
}

fn execute(database: &TestDatabase, sql: &str) {
    match database.url().strip_prefix("sqlite://") {
        Some(path) => SqliteConnection::establish(path).unwrap().batch_execute(sql).unwrap(),
        None => PgConnection::establish(database.url()).unwrap().batch_execute(sql).unwrap(),
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The column `line` of a query's rows, read without the code under test.
fn lines(database: &TestDatabase, sql: &str) -> Vec<String> {
    let query = diesel::sql_query(sql);
    let lines: Vec<Line> = match database.url().strip_prefix("sqlite://") {
        Some(path) => query.load(&mut SqliteConnection::establish(path).unwrap()),
        None => query.load(&mut PgConnection::establish(database.url()).unwrap()),
    }
    .unwrap();
    lines.into_iter().map(|line| line.line).collect()
}
