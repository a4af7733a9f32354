//! A connection to Postgres, with what it was set to and what is known of its server.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection;
use diesel::result::{ConnectionError, ConnectionResult, QueryResult};

use super::deadline::ServerClock;
use crate::pool::Session;

/// A session is set to end its statements by at most this part of their time too early. The more, the seldomer it has
/// to be set anew.
const TOO_EARLY: u32 = 8;

/// A connection that limits its statements.
pub(super) struct PgSession {
    pub(super) connection: PgConnection,
    clock: ServerClock,
    /// What `statement_timeout` is set to; `None` where nothing can be set, because a pooler shares the session.
    statement_timeout: Option<Duration>,
}

impl PgSession {
    /// Over a connection. `is_own`: whether nobody else uses the session.
    pub(super) fn new(mut connection: PgConnection, is_own: bool) -> ConnectionResult<Self> {
        let clock = ServerClock::read(&mut connection)
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        let statement_timeout = is_own.then_some(Duration::ZERO);
        Ok(Self { connection, clock, statement_timeout })
    }

    /// What the server's clock will show then.
    pub(super) fn server_time(&self, moment: Instant) -> DateTime<Utc> {
        self.clock.at(moment)
    }

    /// Runs a statement that may take longer than the session's role or settings allow, behind a pooler, too.
    pub(super) fn run_long<T>(
        &mut self,
        deadline: Instant,
        statement: impl FnOnce(&mut Self) -> QueryResult<T>,
    ) -> QueryResult<T> {
        if self.statement_timeout.is_some() {
            return statement(self);
        }
        let timeout = remaining(deadline).as_millis();
        self.connection
            .batch_execute(&format!("BEGIN; SET LOCAL statement_timeout = {timeout}"))?;
        match statement(self) {
            Ok(result) => self.connection.batch_execute("COMMIT").map(|()| result),
            Err(error) => {
                // If this fails, too, the connection is dropped because of the first error.
                drop(self.connection.batch_execute("ROLLBACK"));
                Err(error)
            }
        }
    }
}

/// How long a statement may take. Zero would be without a limit.
fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

impl Session for PgSession {
    fn ping(&mut self) -> QueryResult<()> {
        // The server's clock may have been set, or the server replaced.
        self.clock = ServerClock::read(&mut self.connection)?;
        Ok(())
    }

    fn is_broken(&mut self) -> bool {
        R2D2Connection::is_broken(&mut self.connection)
    }

    fn notice_end(&mut self) -> QueryResult<()> {
        // Twice, because the server's last words come before the end.
        for _ in 0..2 {
            let mut notifications = self.connection.notifications_iter();
            notifications.try_for_each(|notification| notification.map(drop))?;
        }
        Ok(())
    }

    fn set_deadline(&mut self, deadline: Instant) -> QueryResult<()> {
        let Some(current) = self.statement_timeout else { return Ok(()) };
        let remaining = remaining(deadline);
        if current > remaining || current < remaining - remaining / TOO_EARLY {
            let timeout = (remaining - remaining / (2 * TOO_EARLY)).max(Duration::from_millis(1));
            let millis = timeout.as_millis();
            self.connection.batch_execute(&format!("SET statement_timeout = {millis}"))?;
            self.statement_timeout = Some(timeout);
        }
        Ok(())
    }
}
