//! The one thread that writes.
//!
//! SQLite lets one connection write at a time, and several that contend for that wait long and unfairly. So
//! all writes of this process go through one thread. Those that queued up while it was busy share one transaction, and
//! so one wait for the disk; each is answered after that, when it is durable. A bulk call has a transaction for
//! itself, and after it the thread is for others for [`BULK_REST`] times as long.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{RepositoryError, UserId};

use super::connection::{self, Location};
use super::deadline::enforce;
use crate::connections::{DeadlinePassed, from_diesel};
use crate::options::OpenError;
use crate::workers::{
    Class, Job, Limits, Outcome, QueueOptions, ReplyTo, Workers, catching_panics,
};

/// How many writes share a transaction at most.
const MAX_BATCH: usize = 128;

/// For how many times as long as a bulk call took no other is begun.
const BULK_REST: u32 = 2;

/// The writing thread, as the repository sees it. Dropping it waits until what is queued is written.
pub(super) struct Writer {
    workers: Workers<Box<dyn Write>>,
}

impl Writer {
    /// Starts the thread, on a connection that is ready.
    pub(super) fn start(
        connection: SqliteConnection,
        location: Location,
        queue_capacity: usize,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        let limits = Limits {
            batch: MAX_BATCH,
            bulk_rest: BULK_REST,
            // Another thread would wait for the same lock.
            lost: 0,
            ..Limits::for_pool(1, queue_capacity)
        };
        let session = Mutex::new(Session { connection: Some(connection), location, timeout });
        let write = move |batch| {
            // A panic leaves the connection in its place, or none.
            session.lock().unwrap_or_else(PoisonError::into_inner).write(batch)
        };
        let queue = QueueOptions { threads: 1, eager: 1, limits };
        Ok(Self { workers: Workers::start("sqlite-writer", queue, write)? })
    }

    /// Has the thread run a statement, and waits until it is durable, but not for longer than the timeout.
    /// The statement is run again, alone, when another of its transaction fails.
    pub(super) async fn run<T, F>(
        &self,
        user: UserId,
        class: Class,
        timeout: Duration,
        statement: F,
    ) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        let job = |reply_to| -> Box<dyn Write> {
            Box::new(Statement { user, class, run: statement, result: None, reply_to })
        };
        self.workers.call(timeout, job).await
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.workers.finish();
    }
}

/// A write that waits for its turn.
trait Write: Send {
    fn user(&self) -> UserId;
    fn class(&self) -> Class;
    fn deadline(&self) -> Instant;
    /// Whether nobody waits for it any more.
    fn is_expired(&self) -> bool;
    /// Runs the statement in the transaction that is open, and keeps its result.
    fn run(&mut self, connection: &mut SqliteConnection) -> Result<(), RepositoryError>;
    /// Answers: with the result that was kept, now that it is durable, or with why it is not.
    fn answer(self: Box<Self>, outcome: Result<(), RepositoryError>);
}

impl Job for Box<dyn Write> {
    fn user(&self) -> UserId {
        (**self).user()
    }

    fn class(&self) -> Class {
        (**self).class()
    }

    fn deadline(&self) -> Instant {
        (**self).deadline()
    }

    fn can_join(&self, _: &Self) -> bool {
        true
    }
}

struct Statement<T, F> {
    user: UserId,
    class: Class,
    run: F,
    result: Option<T>,
    reply_to: ReplyTo<T>,
}

impl<T, F> Write for Statement<T, F>
where
    T: Send,
    F: Fn(&mut SqliteConnection) -> QueryResult<T> + Send,
{
    fn user(&self) -> UserId {
        self.user
    }

    fn class(&self) -> Class {
        self.class
    }

    fn deadline(&self) -> Instant {
        self.reply_to.deadline()
    }

    fn is_expired(&self) -> bool {
        self.reply_to.is_expired()
    }

    fn run(&mut self, connection: &mut SqliteConnection) -> Result<(), RepositoryError> {
        let statement = || (self.run)(connection);
        let in_time = || enforce(self.reply_to.deadline(), statement).map_err(from_diesel);
        self.result = Some(catching_panics(|| (in_time(), Outcome::InTime)).0?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), RepositoryError>) {
        let Self { result, reply_to, .. } = *self;
        match (outcome, result) {
            (Ok(()), Some(result)) => reply_to.send(Ok(result)),
            (Err(error), _) => reply_to.send(Err(error)),
            // Not run: its waiter finds the reply abandoned.
            (Ok(()), None) => {}
        }
    }
}

/// The connection, opened anew after an error that may have broken it.
struct Session {
    connection: Option<SqliteConnection>,
    location: Location,
    timeout: Duration,
}

/// A failed transaction: begun, run or committed.
#[derive(Debug)]
struct TransactionError(RepositoryError);

impl From<diesel::result::Error> for TransactionError {
    fn from(error: diesel::result::Error) -> Self {
        Self(from_diesel(error))
    }
}

impl Session {
    /// Writes a batch in one transaction, or, when that fails, each of it in its own, so that no write fails
    /// for another's sake.
    fn write(&mut self, mut batch: Vec<Box<dyn Write>>) -> Outcome {
        batch.retain(|job| !job.is_expired());
        match self.transaction(&mut batch) {
            Ok(()) => {
                // Committed, but to files that nobody finds again if they are no longer in place.
                let in_place = self.location.check();
                for job in batch {
                    job.answer(in_place.clone().map_err(RepositoryError::unavailable));
                }
                Outcome::InTime
            }
            Err(error) if batch.len() > 1 => {
                tracing::debug!(%error, "a shared transaction failed, writing one by one");
                let outcomes = batch.into_iter().map(|job| self.write(vec![job]));
                outcomes.max().unwrap_or(Outcome::NotStarted)
            }
            Err(error) => {
                let Some(job) = batch.pop() else { return Outcome::NotStarted };
                let is_late = job.is_expired();
                job.answer(Err(error));
                if is_late { Outcome::MissedDeadline } else { Outcome::InTime }
            }
        }
    }

    fn transaction(&mut self, batch: &mut [Box<dyn Write>]) -> Result<(), RepositoryError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.location.check().map_err(RepositoryError::unavailable)?;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            lost => lost.insert(
                connection::connect(&self.location, self.timeout)
                    .map_err(RepositoryError::unavailable)?,
            ),
        };
        let result = connection.immediate_transaction(|connection| {
            batch.iter_mut().try_for_each(|job| job.run(connection)).map_err(TransactionError)?;
            // One whose caller has been told that it failed must not be committed with the others.
            let is_late = batch.iter().any(|job| job.is_expired());
            if is_late {
                Err(TransactionError(RepositoryError::unavailable(DeadlinePassed)))
            } else {
                Ok(())
            }
        });
        result.map_err(|TransactionError(error)| {
            // A database in memory is only as long as its connection.
            if !matches!(self.location, Location::Memory) {
                self.connection = None;
            }
            error
        })
    }
}
