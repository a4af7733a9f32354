//! Finding out whether sessions are ours alone.
//!
//! Behind a pooler in transaction mode, consecutive statements of one client reach different server sessions,
//! and one session serves many clients. Whatever is kept in a session, prepared statements by name above all,
//! then meets strangers: one client's SELECT can execute another's DELETE.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::Integer;

/// Poolers hand sessions out by different rules; a few rounds meet them all.
const ROUNDS: usize = 3;

#[derive(QueryableByName)]
struct Session {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

fn session(connection: &mut PgConnection) -> QueryResult<i32> {
    let Session { pid } =
        diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result(connection)?;
    Ok(pid)
}

/// Whether a session was seen to change under a connection, or to serve both.
///
/// Each round asks the first connection which session serves it, and then the second, in a transaction: a
/// pooler that prefers the session used last gives the first one's to the second; one that goes round its
/// sessions changes the first one's from round to round.
pub(super) fn shares_sessions(
    first: &mut PgConnection,
    second: &mut PgConnection,
) -> QueryResult<bool> {
    let own = session(first)?;
    for _ in 0..ROUNDS {
        if session(first)? != own {
            return Ok(true);
        }
        second.batch_execute("BEGIN")?;
        // The first is not asked while the second holds a transaction: a pooler of a single session would
        // make it wait.
        let other = session(second);
        second.batch_execute("ROLLBACK")?;
        if other? == own {
            return Ok(true);
        }
    }
    Ok(false)
}
