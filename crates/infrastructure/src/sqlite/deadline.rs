//! Giving a statement up when nobody waits for it any more.
//!
//! Postgres has `statement_timeout`; SQLite runs a statement to its end, and meanwhile holds the thread, and if
//! it writes, everybody's only writer. So the statements that may look at very many rows ask, row by row, an SQL
//! function of ours. Once the deadline has passed it says no to every further row, which ends the statement
//! soon, and [`enforce`] then fails it, so that its transaction is rolled back.

use std::cell::Cell;
use std::time::Instant;

use diesel::prelude::*;
use diesel::result::{Error, QueryResult};

use crate::connections::DeadlinePassed;

thread_local! {
    /// When the statement that this thread is running must have ended.
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
    /// Whether that statement was told so.
    static GIVEN_UP: Cell<bool> = const { Cell::new(false) };
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// Whether there is time left.
    fn is_in_time() -> diesel::sql_types::Bool;
}

/// Makes the function known to a connection.
pub(super) fn register(connection: &SqliteConnection) -> QueryResult<()> {
    is_in_time_utils::register_nondeterministic_impl(connection, || {
        let is_in_time = DEADLINE.get().is_none_or(|deadline| Instant::now() < deadline);
        if !is_in_time {
            GIVEN_UP.set(true);
        }
        is_in_time
    })
}

/// Runs `statement` with this deadline, unless that has passed, and fails it if it was told that its time is up.
pub(super) fn enforce<T>(
    deadline: Instant,
    statement: impl FnOnce() -> QueryResult<T>,
) -> QueryResult<T> {
    let passed = || Err(Error::QueryBuilderError(Box::new(DeadlinePassed)));
    if Instant::now() >= deadline {
        return passed();
    }
    DEADLINE.set(Some(deadline));
    GIVEN_UP.set(false);
    let result = statement();
    DEADLINE.set(None);
    if GIVEN_UP.get() { passed() } else { result }
}
