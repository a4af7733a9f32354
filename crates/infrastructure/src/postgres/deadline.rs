//! Deadlines in writes, so that no write starts after its caller got an error.
//!
//! If a server is frozen or unreachable, a write may remain unread in a socket for longer than its caller waits. So each
//! write contains its deadline, by the server's clock, and fails if the server reads it later. A write that starts in
//! time is canceled by `statement_timeout`.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{auto_type, sql};
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::{Integer, Timestamptz};

#[diesel::declare_sql_function]
extern "SQL" {
    /// When the server received the statement. It is stable: Citus allows no volatile functions in writes.
    fn statement_timestamp() -> Timestamptz;
    /// The operator `/`.
    fn int4div(a: Integer, b: Integer) -> Integer;
}

/// True, or a division by zero if the server received the statement after the deadline.
#[auto_type(type_case = "PascalCase")]
pub(super) fn is_in_time(deadline: DateTime<Utc>) -> _ {
    int4div(1_i32, statement_timestamp().lt(deadline).cast::<Integer>()).eq(1_i32)
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
