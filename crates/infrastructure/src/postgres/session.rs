//! A Postgres session: how its statements are canceled at their deadlines, and the clock of its server.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection;
use diesel::result::{ConnectionError, ConnectionResult, Error, QueryResult};
use todo_domain::UserId;

use super::connection::SessionSettings;
use super::deadline::ServerClock;
use super::statements;
use super::ticked::Attempt;
use crate::connections::Session;
use crate::sql::StatementCacheState;
use crate::workers::JobKind;

/// Where `statement_timeout` is set, by which the server cancels statements at their deadlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeoutScope {
    /// In the session, which no pooler shares.
    Session,
    /// In a transaction around the statement. A pooler shares the session, so nothing can be set in the session.
    Transaction,
    /// In the role, by the operator. A pooler shares the session.
    Role,
}

/// A connection whose statements are canceled at their deadlines.
pub(super) struct PgSession {
    pub(super) connection: PgConnection,
    clock: ServerClock,
    timeout_scope: TimeoutScope,
    statement_cache: StatementCacheState,
    /// The time limit for a call.
    call_timeout: Duration,
    /// The current `statement_timeout` of the session; zero if it is not set.
    statement_timeout: Duration,
}

impl PgSession {
    /// Reads the server's clock.
    pub(super) fn new(
        mut connection: PgConnection,
        settings: &SessionSettings,
    ) -> ConnectionResult<Self> {
        let clock = ServerClock::read(&mut connection)
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(Self {
            connection,
            clock,
            timeout_scope: settings.timeout_scope,
            statement_cache: settings.statement_cache.clone(),
            call_timeout: settings.call_timeout,
            statement_timeout: Duration::ZERO,
        })
    }

    /// The time of the server's clock at an instant of ours.
    pub(super) fn server_time(&self, instant: Instant) -> DateTime<Utc> {
        self.clock.at(instant)
    }

    /// Runs a statement that may take long, and makes the server cancel it at the deadline.
    pub(super) fn run_with_timeout<T>(
        &mut self,
        kind: JobKind,
        deadline: Instant,
        statement: impl FnOnce(&mut Self) -> QueryResult<T>,
    ) -> QueryResult<T> {
        let has_timeout = match self.timeout_scope {
            TimeoutScope::Session => true,
            // The role's timeout is too short for bulk calls.
            TimeoutScope::Role => kind != JobKind::Bulk,
            TimeoutScope::Transaction => false,
        };
        if has_timeout { statement(self) } else { self.run_in_transaction(deadline, statement) }
    }

    /// Runs statements in a transaction, and makes the server cancel them at the deadline.
    pub(super) fn run_in_transaction<T>(
        &mut self,
        deadline: Instant,
        statements: impl FnOnce(&mut Self) -> QueryResult<T>,
    ) -> QueryResult<T> {
        let timeout = remaining(deadline).as_millis();
        let begin = format!("BEGIN; SET LOCAL statement_timeout = {timeout}");
        self.connection.batch_execute(&begin)?;
        match statements(self) {
            Ok(result) => self.connection.batch_execute("COMMIT").map(|()| result),
            Err(error) => {
                // If this also fails, the pool drops the connection because of the first error.
                drop(self.connection.batch_execute("ROLLBACK"));
                Err(error)
            }
        }
    }

    /// Runs a write of one owner. If another write of the owner comes first, runs it again while it holds the clock.
    pub(super) fn write<T>(
        &mut self,
        user: UserId,
        now: DateTime<Utc>,
        deadline: Instant,
        write: impl Fn(&mut PgConnection, Attempt) -> QueryResult<Option<T>>,
    ) -> QueryResult<T> {
        let attempt = Attempt { now, deadline: self.server_time(deadline), holds_clock: false };
        if let Some(outcome) = write(&mut self.connection, attempt)? {
            return Ok(outcome);
        }
        self.run_in_transaction(deadline, |session| {
            let connection = &mut session.connection;
            let now = statements::lock_clock(connection, user, now)?;
            let attempt = Attempt { now, holds_clock: true, ..attempt };
            write(connection, attempt)?.ok_or(Error::NotFound)
        })
    }
}

/// The time until the deadline. Never zero, which would mean no timeout.
fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

impl Session for PgSession {
    fn ping(&mut self) -> QueryResult<()> {
        // The server's clock may have been changed, or the server replaced.
        self.clock = ServerClock::read(&mut self.connection)?;
        Ok(())
    }

    fn is_broken(&mut self) -> bool {
        R2D2Connection::is_broken(&mut self.connection)
    }

    fn check_terminated(&mut self) -> QueryResult<()> {
        // Twice: the first call may only read the server's last message, the second finds the connection closed.
        for _ in 0..2 {
            let mut notifications = self.connection.notifications_iter();
            notifications.try_for_each(|notification| notification.map(drop))?;
        }
        Ok(())
    }

    fn set_deadline(&mut self, deadline: Instant) -> QueryResult<()> {
        if self.timeout_scope != TimeoutScope::Session {
            return Ok(());
        }
        let remaining = remaining(deadline);
        // Each change costs a round trip, so the timeout is only changed if it is too long, or much too short. If many
        // calls wait, each has a different remaining time, and changing the timeout for each would delay all of them.
        // Then it may be shorter still.
        let has_waited = remaining < self.call_timeout * 9 / 10;
        let (shortest, preferred) = if has_waited {
            (remaining / 4, remaining * 3 / 4)
        } else {
            (remaining * 7 / 8, remaining * 15 / 16)
        };
        if !(shortest..=remaining).contains(&self.statement_timeout) {
            let millis = preferred.as_millis().max(1);
            self.connection.batch_execute(&format!("SET statement_timeout = {millis}"))?;
            self.statement_timeout = preferred;
        }
        Ok(())
    }

    fn disable_statement_cache(&self) -> bool {
        self.statement_cache.disable()
    }
}
