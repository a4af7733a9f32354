//! The writer thread, with group commit.
//!
//! SQLite lets one connection write at a time, and several that contend for the lock wait long and unfairly. So all
//! writes of this process go through one thread. Writes that were queued while it was busy share one transaction, and
//! one disk flush; each is acknowledged after the commit, when it is durable. A bulk call has its own transaction. After
//! it, no other bulk call starts for [`BULK_COOLDOWN_FACTOR`] times its duration.

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
    Job, JobKind, Limits, Outcome, PoolTracer, QueueMetrics, QueueOptions, ReplyTo, Workers,
    catch_panics,
};

/// The name of the thread.
pub(super) const NAME: &str = "sqlite-writer";

/// The maximum number of writes in a transaction.
const MAX_BATCH: usize = 128;

/// For this many times the duration of a bulk call, no other starts.
const BULK_COOLDOWN_FACTOR: u32 = 2;

/// A handle of the writer thread. Dropping it waits until all queued writes have run.
pub(super) struct Writer {
    workers: Workers<Box<dyn QueuedWrite>>,
}

impl Writer {
    /// Starts the thread with an open connection.
    pub(super) fn start(
        connection: SqliteConnection,
        location: Location,
        queue_capacity: usize,
        timeout: Duration,
        metrics: Option<QueueMetrics>,
    ) -> Result<Self, OpenError> {
        let limits = Limits {
            max_batch: MAX_BATCH,
            bulk_cooldown_factor: BULK_COOLDOWN_FACTOR,
            // Another thread would wait for the same lock.
            max_abandoned: 0,
            ..Limits::for_pool(1, queue_capacity)
        };
        let session = Mutex::new(WriterSession { connection: Some(connection), location, timeout });
        let write = move |batch| {
            // Ignores poisoning: after a panic there is a valid connection, or none.
            session.lock().unwrap_or_else(PoisonError::into_inner).write(batch)
        };
        let queue = QueueOptions { threads: 1, batching_threshold: 1, limits };
        Ok(Self { workers: Workers::start_measured(NAME, queue, metrics, write)? })
    }

    /// Traces the calls, if there is a tracer.
    pub(super) fn trace(&mut self, tracer: Option<PoolTracer>) {
        self.workers.trace(tracer);
    }

    /// A function that tells how many writes wait.
    pub(super) fn depth(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        self.workers.depth()
    }

    /// Runs a statement on the writer thread, and waits until it is durable, for at most `timeout`. If another statement
    /// in its transaction fails, it is rolled back and run again alone.
    pub(super) async fn run<T, F>(
        &self,
        user: UserId,
        kind: JobKind,
        timeout: Duration,
        statement: F,
    ) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        let job = |reply_to| -> Box<dyn QueuedWrite> {
            Box::new(WriteJob { user, kind, run: statement, result: None, reply_to })
        };
        self.workers.call(timeout, job).await
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.workers.drain();
    }
}

/// A write in the queue, whatever the type of its result.
trait QueuedWrite: Send {
    fn user(&self) -> UserId;
    fn kind(&self) -> JobKind;
    fn deadline(&self) -> Instant;
    /// Whether its caller has stopped waiting.
    fn is_expired(&self) -> bool;
    /// Runs the statement in the current transaction, and keeps its result.
    fn run(&mut self, connection: &mut SqliteConnection) -> Result<(), RepositoryError>;
    /// Replies with the kept result if the transaction was committed, else with its error.
    fn reply(self: Box<Self>, outcome: Result<(), RepositoryError>);
}

impl Job for Box<dyn QueuedWrite> {
    fn user(&self) -> UserId {
        (**self).user()
    }

    fn kind(&self) -> JobKind {
        (**self).kind()
    }

    fn deadline(&self) -> Instant {
        (**self).deadline()
    }

    fn can_batch_with(&self, _: &Self) -> bool {
        true
    }
}

/// A write with its statement, and the result until the commit.
struct WriteJob<T, F> {
    user: UserId,
    kind: JobKind,
    run: F,
    result: Option<T>,
    reply_to: ReplyTo<T>,
}

impl<T, F> QueuedWrite for WriteJob<T, F>
where
    T: Send,
    F: Fn(&mut SqliteConnection) -> QueryResult<T> + Send,
{
    fn user(&self) -> UserId {
        self.user
    }

    fn kind(&self) -> JobKind {
        self.kind
    }

    fn deadline(&self) -> Instant {
        self.reply_to.deadline()
    }

    fn is_expired(&self) -> bool {
        self.reply_to.is_expired()
    }

    fn run(&mut self, connection: &mut SqliteConnection) -> Result<(), RepositoryError> {
        let statement = || (self.run)(connection);
        let run = || enforce(self.reply_to.deadline(), statement).map_err(from_diesel);
        self.result = Some(catch_panics(|| (run(), Outcome::InTime)).0?);
        Ok(())
    }

    fn reply(self: Box<Self>, outcome: Result<(), RepositoryError>) {
        let Self { result, reply_to, .. } = *self;
        match (outcome, result) {
            (Ok(()), Some(result)) => reply_to.send(Ok(result)),
            (Err(error), _) => reply_to.send(Err(error)),
            // It was not run. Dropping the channel tells the caller.
            (Ok(()), None) => {}
        }
    }
}

/// The writer's connection, which is reopened after an error that may have broken it.
struct WriterSession {
    connection: Option<SqliteConnection>,
    location: Location,
    timeout: Duration,
}

/// An error in BEGIN, in a statement, or in COMMIT.
#[derive(Debug)]
struct TransactionError(RepositoryError);

impl From<diesel::result::Error> for TransactionError {
    fn from(error: diesel::result::Error) -> Self {
        Self(from_diesel(error))
    }
}

impl WriterSession {
    /// Runs a batch in one transaction. If that fails, runs each write in its own transaction, so that no write fails
    /// because of another.
    fn write(&mut self, mut batch: Vec<Box<dyn QueuedWrite>>) -> Outcome {
        batch.retain(|job| !job.is_expired());
        match self.transaction(&mut batch) {
            Ok(()) => {
                // If the files are no longer in place, the commit is lost.
                let check = self.location.check();
                for job in batch {
                    job.reply(check.clone().map_err(RepositoryError::unavailable));
                }
                Outcome::InTime
            }
            Err(error) if batch.len() > 1 => {
                tracing::debug!(%error, "a shared transaction failed, running its writes one by one");
                let outcomes = batch.into_iter().map(|job| self.write(vec![job]));
                outcomes.max().unwrap_or(Outcome::NotStarted)
            }
            Err(error) => {
                let Some(job) = batch.pop() else { return Outcome::NotStarted };
                let is_late = job.is_expired();
                job.reply(Err(error));
                if is_late { Outcome::MissedDeadline } else { Outcome::InTime }
            }
        }
    }

    fn transaction(&mut self, batch: &mut [Box<dyn QueuedWrite>]) -> Result<(), RepositoryError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.location.check().map_err(RepositoryError::unavailable)?;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            closed => closed.insert(
                connection::connect(&self.location, self.timeout)
                    .map_err(RepositoryError::unavailable)?,
            ),
        };
        let result = connection.immediate_transaction(|connection| {
            batch.iter_mut().try_for_each(|job| job.run(connection)).map_err(TransactionError)?;
            // A write whose caller got an error must not be committed with the others.
            let is_late = batch.iter().any(|job| job.is_expired());
            if is_late {
                Err(TransactionError(RepositoryError::unavailable(DeadlinePassed)))
            } else {
                Ok(())
            }
        });
        result.map_err(|TransactionError(error)| {
            // An in-memory database ends with its connection.
            if !matches!(self.location, Location::Memory) {
                self.connection = None;
            }
            error
        })
    }
}
