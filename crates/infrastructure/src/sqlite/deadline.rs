//! Cancels statements at their deadlines.
//!
//! Postgres has `statement_timeout`. SQLite runs a statement to its end, which occupies a thread and, for a write, blocks
//! all other writes. So statements that may scan very many rows call our SQL function `is_in_time` for each row. After
//! the deadline it is false for all further rows, which ends the statement soon. [`enforce`] then fails it, so its
//! transaction is rolled back.

use std::cell::Cell;
use std::time::Instant;

use diesel::prelude::*;
use diesel::result::{Error, QueryResult};

use crate::connections::DeadlinePassed;

thread_local! {
    /// The deadline of the statement that this thread is running.
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
    /// Whether the function has been false for that statement.
    static IS_CANCELED: Cell<bool> = const { Cell::new(false) };
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// Whether the deadline has not passed.
    fn is_in_time() -> diesel::sql_types::Bool;
}

/// Registers the function on a connection.
pub(super) fn register(connection: &SqliteConnection) -> QueryResult<()> {
    is_in_time_utils::register_nondeterministic_impl(connection, || {
        let is_in_time = DEADLINE.get().is_none_or(|deadline| Instant::now() < deadline);
        if !is_in_time {
            IS_CANCELED.set(true);
        }
        is_in_time
    })
}

/// Runs `statement` with a deadline.
///
/// # Errors
/// That of the statement; [`DeadlinePassed`] if it was not started, or was canceled, because the deadline has passed.
pub(super) fn enforce<T>(
    deadline: Instant,
    statement: impl FnOnce() -> QueryResult<T>,
) -> QueryResult<T> {
    let passed = || Err(Error::QueryBuilderError(Box::new(DeadlinePassed)));
    if Instant::now() >= deadline {
        return passed();
    }
    DEADLINE.set(Some(deadline));
    IS_CANCELED.set(false);
    let result = statement();
    DEADLINE.set(None);
    if IS_CANCELED.get() { passed() } else { result }
}
