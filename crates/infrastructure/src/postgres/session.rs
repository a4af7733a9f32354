//! A connection to Postgres, with what it was set to and what is known of its server.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection;
use diesel::result::{ConnectionError, ConnectionResult, QueryResult};

use super::connection::SessionSettings;
use super::deadline::ServerClock;
use crate::connections::Session;
use crate::sql::StatementReuse;
use crate::workers::Class;

/// How the server is told to end a statement at its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// By the session's `statement_timeout`, where nobody else uses the session.
    Session,
    /// By a transaction around the statement: a pooler shares the session, in which nothing can be set.
    Transaction,
    /// By the `statement_timeout` that the operator has given the role, for a session that is shared.
    Role,
}

/// A connection that limits its statements.
pub(super) struct PgSession {
    pub(super) connection: PgConnection,
    clock: ServerClock,
    limit: Limit,
    statement_reuse: StatementReuse,
    /// How long a call may take in all.
    timeout: Duration,
    /// What the session's is set to, zero if it is not set.
    statement_timeout: Duration,
}

impl PgSession {
    /// Over a connection, as `settings` say.
    pub(super) fn new(
        mut connection: PgConnection,
        settings: &SessionSettings,
    ) -> ConnectionResult<Self> {
        let clock = ServerClock::read(&mut connection)
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        let statement_reuse = settings.statement_reuse.clone();
        let SessionSettings { limit, timeout, .. } = *settings;
        let statement_timeout = Duration::ZERO;
        Ok(Self { connection, clock, limit, statement_reuse, timeout, statement_timeout })
    }

    /// What the server's clock will show then.
    pub(super) fn server_time(&self, moment: Instant) -> DateTime<Utc> {
        self.clock.at(moment)
    }

    /// Runs a statement that may take long, so that the server ends it at the deadline.
    pub(super) fn run_limited<T>(
        &mut self,
        class: Class,
        deadline: Instant,
        statement: impl FnOnce(&mut Self) -> QueryResult<T>,
    ) -> QueryResult<T> {
        let has_limit = match self.limit {
            Limit::Session => true,
            // The role's is not meant for bulk calls.
            Limit::Role => class != Class::Bulk,
            Limit::Transaction => false,
        };
        if has_limit {
            return statement(self);
        }
        let timeout = remaining(deadline).as_millis();
        let begin = format!("BEGIN; SET LOCAL statement_timeout = {timeout}");
        self.connection.batch_execute(&begin)?;
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
        if self.limit != Limit::Session {
            return Ok(());
        }
        let remaining = remaining(deadline);
        // What is set may end a statement a little too early, but not too late. When many calls wait, each has another
        // time left, and setting it for each would make all of them wait longer: then it may be much too early.
        let has_waited = remaining < self.timeout * 9 / 10;
        let (shortest, usual) = if has_waited {
            (remaining / 4, remaining * 3 / 4)
        } else {
            (remaining * 7 / 8, remaining * 15 / 16)
        };
        if !(shortest..=remaining).contains(&self.statement_timeout) {
            let millis = usual.as_millis().max(1);
            self.connection.batch_execute(&format!("SET statement_timeout = {millis}"))?;
            self.statement_timeout = usual;
        }
        Ok(())
    }

    fn stop_keeping_statements(&self) -> bool {
        self.statement_reuse.switch_off()
    }
}
