//! The one thread that writes.
//!
//! SQLite lets one connection write at a time, and several that contend for that wait long and unfairly. So
//! all writes of this process go through one thread, in order. Those that queued up while it was busy share
//! one transaction, and so one wait for the disk; each is answered after that, when it is durable.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::RepositoryError;

use super::connection::{self, Location};
use super::deadline::enforce;
use crate::database::OpenError;
use crate::error::from_diesel;
use crate::queue::{self, Queue, QueueOptions};
use crate::reply::{ReplyTo, reply};
use crate::workers::catching_panics;

/// How many writes share a transaction at most.
const MAX_BATCH: usize = 128;

/// The writing thread, as the repository sees it. Dropping it waits until what is queued is written.
pub(super) struct Writer {
    queue: Arc<Queue<Box<dyn Write>>>,
    timeout: Duration,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, on a connection that is ready.
    pub(super) fn start(
        connection: SqliteConnection,
        location: Location,
        queue_capacity: usize,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        let queue = Arc::new(Queue::<Box<dyn Write>>::new(QueueOptions {
            capacity: queue_capacity,
            threads: 1,
            few: 1,
            fewest: 1,
            together: MAX_BATCH,
        }));
        let jobs = Arc::clone(&queue);
        let mut session = Session { connection: Some(connection), location, timeout };
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || jobs.work(|batch| session.write(batch)))?;
        Ok(Self { queue, timeout, thread: Some(thread) })
    }

    /// Has the thread run a statement, and waits until it is durable, but not for longer than the timeout.
    /// The statement is run again, alone, when another of its transaction fails.
    pub(super) async fn run<T, F>(&self, statement: F) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        let (reply_to, reply) = reply(self.timeout);
        let job = Box::new(Job { statement, result: None, reply_to });
        self.queue.push(job).map_err(RepositoryError::unavailable)?;
        reply.wait(|| {}).await
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // It catches its panics; if it panicked all the same, there is nothing left to wait for.
            drop(thread.join());
        }
    }
}

/// A write that waits for its turn.
trait Write: Send {
    /// Whether nobody waits for it any more.
    fn is_moot(&self) -> bool;
    /// Runs the statement in the transaction that is open, and keeps its result.
    fn run(&mut self, connection: &mut SqliteConnection) -> Result<(), RepositoryError>;
    /// Answers: with the result that was kept, now that it is durable, or with why it is not.
    fn answer(self: Box<Self>, outcome: Result<(), RepositoryError>);
}

impl queue::Job for Box<dyn Write> {
    /// All writes can share a transaction.
    fn joins(&self, _: &Self) -> bool {
        true
    }

    fn may_wait(&self) -> bool {
        true
    }
}

struct Job<T, F> {
    statement: F,
    result: Option<T>,
    reply_to: ReplyTo<T>,
}

impl<T, F> Write for Job<T, F>
where
    T: Send,
    F: Fn(&mut SqliteConnection) -> QueryResult<T> + Send,
{
    fn is_moot(&self) -> bool {
        self.reply_to.is_moot()
    }

    fn run(&mut self, connection: &mut SqliteConnection) -> Result<(), RepositoryError> {
        let statement = || (self.statement)(connection);
        let in_time = || enforce(self.reply_to.deadline(), statement).map_err(from_diesel);
        self.result = Some(catching_panics(in_time)?);
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
    fn write(&mut self, mut batch: Vec<Box<dyn Write>>) {
        batch.retain(|job| !job.is_moot());
        match self.transaction(&mut batch) {
            Ok(()) => {
                for job in batch {
                    job.answer(Ok(()));
                }
            }
            Err(error) if batch.len() > 1 => {
                tracing::debug!(%error, "a shared transaction failed, writing one by one");
                for job in batch {
                    self.write(vec![job]);
                }
            }
            Err(error) => {
                if let Some(job) = batch.pop() {
                    job.answer(Err(error));
                }
            }
        }
    }

    fn transaction(&mut self, batch: &mut [Box<dyn Write>]) -> Result<(), RepositoryError> {
        if batch.is_empty() {
            return Ok(());
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            lost => lost.insert(
                connection::connect(&self.location, self.timeout)
                    .map_err(RepositoryError::unavailable)?,
            ),
        };
        let result = connection.immediate_transaction(|connection| {
            batch.iter_mut().try_for_each(|job| job.run(connection)).map_err(TransactionError)
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
