//! Detects poolers that share sessions between clients.
//!
//! Behind a pooler in transaction mode, consecutive statements of one client reach different server sessions, and one
//! session serves many clients. They all see the session's state, above all named prepared statements: one client's
//! SELECT can execute another's DELETE.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{ConnectionResult, QueryResult};
use diesel::sql_types::{Bool, Integer, Timestamptz};

use crate::options::OpenError;

/// Poolers assign sessions by different rules. A few rounds detect all of them.
const ROUNDS: usize = 3;

/// A time of a server's clock.
#[derive(Clone, Copy, QueryableByName)]
struct ServerTime {
    #[diesel(sql_type = Timestamptz)]
    clock: DateTime<Utc>,
    /// When the server was started, which identifies it.
    #[diesel(sql_type = Timestamptz)]
    server: DateTime<Utc>,
}

impl ServerTime {
    fn now(connection: &mut PgConnection) -> QueryResult<Self> {
        let now = "SELECT clock_timestamp() AS clock, pg_postmaster_start_time() AS server";
        diesel::sql_query(now).get_result(connection)
    }
}

/// The session that serves a connection.
#[derive(QueryableByName)]
struct Session {
    #[diesel(sql_type = Integer)]
    pid: i32,
    /// Whether it started before the given time. Yes if that is unknown; no if it is on another server (the URL may name
    /// several), whose clock may differ.
    #[diesel(sql_type = Bool)]
    is_older: bool,
}

fn session(connection: &mut PgConnection, time: ServerTime) -> QueryResult<Session> {
    diesel::sql_query(
        "SELECT pg_backend_pid() AS pid, pg_postmaster_start_time() = $2 AND coalesce( \
            (SELECT backend_start < $1 FROM pg_stat_activity WHERE pid = pg_backend_pid()), true) AS is_older",
    )
    .bind::<Timestamptz, _>(time.clock)
    .bind::<Timestamptz, _>(time.server)
    .get_result(connection)
}

/// Whether sessions are shared: a session is older than its connection, a connection's session changes, or one session
/// serves two connections.
///
/// The server's clock is read on the first connection before the second is opened. Without a pooler, the session of the
/// second is younger than that. A pooler assigns it an existing session, possibly an unused one of `min_pool_size`; only
/// if all are in use at that moment may it open a new one. So the check is repeated in rounds, in which the two
/// connections alternate, and the second briefly holds a transaction. A pooler that prefers the session used last
/// assigns that of the first connection to the second. A pooler that uses its sessions round robin, or that other
/// clients keep busy, changes them from round to round.
pub(super) fn shares_sessions(
    first: &mut PgConnection,
    second: impl FnOnce() -> ConnectionResult<PgConnection>,
) -> Result<bool, OpenError> {
    let before_second = ServerTime::now(first)?;
    let mut second = second()?;
    let first_pid = session(first, before_second)?.pid;
    let second_pid = session(&mut second, before_second)?.pid;
    let is_shared =
        |other: Session| other.is_older || other.pid == first_pid || other.pid != second_pid;
    for _ in 0..ROUNDS {
        if is_shared(session(&mut second, before_second)?)
            || session(first, before_second)?.pid != first_pid
        {
            return Ok(true);
        }
        second.batch_execute("BEGIN")?;
        // Not on the first connection: a pooler with a single session would make it wait for this transaction.
        let other = session(&mut second, before_second);
        second.batch_execute("ROLLBACK")?;
        if is_shared(other?) {
            return Ok(true);
        }
    }
    Ok(false)
}
