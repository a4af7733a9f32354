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

use crate::database::OpenError;

/// Poolers hand sessions out by different rules; a few rounds meet them all.
const ROUNDS: usize = 3;

/// The session that serves a connection.
#[derive(QueryableByName)]
struct Session {
    #[diesel(sql_type = Integer)]
    pid: i32,
    /// Whether it is older than the moment that was asked about. When in doubt, it is.
    #[diesel(sql_type = Bool)]
    is_older: bool,
}

fn session(connection: &mut PgConnection, moment: DateTime<Utc>) -> QueryResult<Session> {
    diesel::sql_query(
        "SELECT pg_backend_pid() AS pid, coalesce((SELECT backend_start < $1 FROM pg_stat_activity \
            WHERE pid = pg_backend_pid()), true) AS is_older",
    )
    .bind::<Timestamptz, _>(moment)
    .get_result(connection)
}

/// The server's own clock.
fn now(connection: &mut PgConnection) -> QueryResult<DateTime<Utc>> {
    #[derive(QueryableByName)]
    struct Now {
        #[diesel(sql_type = Timestamptz)]
        now: DateTime<Utc>,
    }
    let Now { now } =
        diesel::sql_query("SELECT clock_timestamp() AS now").get_result(connection)?;
    Ok(now)
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
    let before_second = now(first)?;
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
