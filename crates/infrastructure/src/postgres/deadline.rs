//! Deadlines in writes, so that no write starts after its caller got an error.
//!
//! If a server is frozen or unreachable, a write may remain unread in a socket for longer than its caller waits. So each
//! write contains its deadline, by the server's clock, and fails if the server reads it later. A write that starts in
//! time is canceled by `statement_timeout`.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{auto_type, sql};
use diesel::expression::{AppearsOnTable, Expression, ValidGrouping};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Integer, Timestamptz};

#[diesel::declare_sql_function]
extern "SQL" {
    /// When the server received the statement. It is stable: Citus allows no volatile functions in writes.
    fn statement_timestamp() -> Timestamptz;
    /// The operator `/`.
    fn int4div(a: Integer, b: Integer) -> Integer;
}

/// 1, or a division by zero if the server received the statement after the deadline.
#[auto_type(type_case = "PascalCase")]
fn one_in_time(deadline: DateTime<Utc>) -> _ {
    int4div(1_i32, statement_timestamp().lt(deadline).cast::<Integer>())
}

/// True, or a division by zero if the server received the statement after the deadline.
#[auto_type(type_case = "PascalCase")]
pub(super) fn is_in_time(deadline: DateTime<Utc>) -> _ {
    let one: OneInTime = one_in_time(deadline);
    one.eq(1_i32)
}

/// The version of a new todo. After the deadline it fails like [`is_in_time`].
#[auto_type(type_case = "PascalCase")]
pub(super) fn first_version(deadline: DateTime<Utc>) -> _ {
    let one: OneInTime = one_in_time(deadline);
    one.cast::<BigInt>()
}

/// The version of a new todo in an INSERT of several rows: [`first_version`] in the row that checks the deadline for the
/// whole statement, 1 in the others. All rows must have the same type.
#[derive(Debug, ValidGrouping)]
pub(super) struct BatchVersion(Option<FirstVersion>);

impl BatchVersion {
    pub(super) fn new(deadline: Option<DateTime<Utc>>) -> Self {
        Self(deadline.map(first_version))
    }
}

impl Expression for BatchVersion {
    type SqlType = BigInt;
}

impl<QS> AppearsOnTable<QS> for BatchVersion {}

impl QueryId for BatchVersion {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Pg> for BatchVersion {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some(in_time) = &self.0 {
            return in_time.walk_ast(out);
        }
        out.push_sql("1");
        Ok(())
    }
}

/// A reading of the server's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerClock {
    server_time: DateTime<Utc>,
    read_at: Instant,
}

impl ServerClock {
    /// Reads the server's clock.
    pub(super) fn read(connection: &mut PgConnection) -> QueryResult<Self> {
        // A dynamic query, which is not cached as a prepared statement: the session may be shared.
        let server_time =
            diesel::select(sql::<Timestamptz>("clock_timestamp()")).get_result(connection)?;
        // The clock was read slightly earlier. So deadlines may be early, by the latency, but never late.
        Ok(Self { server_time, read_at: Instant::now() })
    }

    /// The server's time at an instant of ours.
    pub(super) fn at(&self, instant: Instant) -> DateTime<Utc> {
        let since = |from: Instant, to: Instant| -> TimeDelta {
            let passed: Duration = to.saturating_duration_since(from);
            TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX)
        };
        self.server_time + since(self.read_at, instant) - since(instant, self.read_at)
    }
}
