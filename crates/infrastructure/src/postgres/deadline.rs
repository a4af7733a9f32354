//! Writes that are never begun once their caller has been told that they failed.
//!
//! A write can lie unread in a socket, of a server that is frozen or cut off, for longer than its caller waits. So it
//! carries its deadline, by the server's own clock, and fails where the server reads it later. What is begun in time is
//! ended by `statement_timeout`, which a session has set to the time that is left.

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
    /// When the server read the statement. Citus takes no function in a write that is less stable.
    fn statement_timestamp() -> Timestamptz;
    /// What the operator `/` stands for.
    fn int4div(a: Integer, b: Integer) -> Integer;
}

/// The number 1 or, in a statement that the server read after its deadline, an error: a division by zero.
#[auto_type(type_case = "PascalCase")]
fn one_in_time(deadline: DateTime<Utc>) -> _ {
    int4div(1_i32, statement_timestamp().lt(deadline).cast::<Integer>())
}

/// True, or that error.
#[auto_type(type_case = "PascalCase")]
pub(super) fn is_in_time(deadline: DateTime<Utc>) -> _ {
    let one: OneInTime = one_in_time(deadline);
    one.eq(1_i32)
}

/// The version of a new todo, or that error.
#[auto_type(type_case = "PascalCase")]
pub(super) fn first_version(deadline: DateTime<Utc>) -> _ {
    let one: OneInTime = one_in_time(deadline);
    one.cast::<BigInt>()
}

/// The version of a new todo in an INSERT of several rows: [`first_version`] in the row that checks the deadline for the
/// statement, 1 in the others. It is one type, as all rows must have the same.
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

/// What the server's clock showed at some moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerClock {
    shown: DateTime<Utc>,
    at: Instant,
}

impl ServerClock {
    /// Reads it.
    pub(super) fn read(connection: &mut PgConnection) -> QueryResult<Self> {
        // Never prepared under a name: this is asked also where the session may be shared.
        let shown =
            diesel::select(sql::<Timestamptz>("clock_timestamp()")).get_result(connection)?;
        // It was read a little earlier: a deadline can come too early by the time of the way, but not too late.
        Ok(Self { shown, at: Instant::now() })
    }

    /// What it shows at another moment.
    pub(super) fn at(&self, moment: Instant) -> DateTime<Utc> {
        let since = |from: Instant, to: Instant| -> TimeDelta {
            let passed: Duration = to.saturating_duration_since(from);
            TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX)
        };
        self.shown + since(self.at, moment) - since(moment, self.at)
    }
}
