//! Finding out whether sessions are ours alone.
//!
//! Behind a pooler in transaction mode, consecutive statements of one client reach different server sessions,
//! and one session serves many clients. Whatever is kept in a session, prepared statements by name above all,
//! then meets strangers: one client's SELECT can execute another's DELETE.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{ConnectionResult, QueryResult};
use diesel::sql_types::{Bool, Integer, Timestamptz};

use crate::options::OpenError;

/// Poolers hand sessions out by different rules; a few rounds meet them all.
const ROUNDS: usize = 3;

/// A moment by the clock of one server.
#[derive(Clone, Copy, QueryableByName)]
struct Moment {
    #[diesel(sql_type = Timestamptz)]
    clock: DateTime<Utc>,
    /// When the server was started, which tells it from others.
    #[diesel(sql_type = Timestamptz)]
    server: DateTime<Utc>,
}

impl Moment {
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
    /// Whether it is older than the moment that was asked about. When in doubt, it is; but not where the URL names
    /// several servers and this is another, for it has a clock of its own.
    #[diesel(sql_type = Bool)]
    is_older: bool,
}

fn session(connection: &mut PgConnection, moment: Moment) -> QueryResult<Session> {
    diesel::sql_query(
        "SELECT pg_backend_pid() AS pid, pg_postmaster_start_time() = $2 AND coalesce( \
            (SELECT backend_start < $1 FROM pg_stat_activity WHERE pid = pg_backend_pid()), true) AS is_older",
    )
    .bind::<Timestamptz, _>(moment.clock)
    .bind::<Timestamptz, _>(moment.server)
    .get_result(connection)
}

/// Whether a session was seen that is older than the connection which it serves, that changed under a connection,
/// or that served both.
///
/// The server's clock is read on the first connection before the second is opened: a session that the server began
/// for the second alone is younger. A pooler gives it one that it has, also one of `min_pool_size` that nobody has
/// used yet; only where all are in use at that moment, it may open another. So the question is asked in rounds, the
/// first connection in turn with the second, which holds a transaction for a moment: a pooler that prefers the
/// session used last gives the first one's to the second, and one that goes round its sessions, or that others keep
/// busy, changes them from round to round.
pub(super) fn shares_sessions(
    first: &mut PgConnection,
    second: impl FnOnce() -> ConnectionResult<PgConnection>,
) -> Result<bool, OpenError> {
    let before_second = Moment::now(first)?;
    let mut second = second()?;
    let own = session(first, before_second)?.pid;
    let others = session(&mut second, before_second)?.pid;
    let is_foreign = |other: Session| other.is_older || other.pid == own || other.pid != others;
    for _ in 0..ROUNDS {
        if is_foreign(session(&mut second, before_second)?)
            || session(first, before_second)?.pid != own
        {
            return Ok(true);
        }
        second.batch_execute("BEGIN")?;
        // The first is not asked while the second holds a transaction: a pooler of a single session would
        // make it wait.
        let other = session(&mut second, before_second);
        second.batch_execute("ROLLBACK")?;
        if is_foreign(other?) {
            return Ok(true);
        }
    }
    Ok(false)
}
