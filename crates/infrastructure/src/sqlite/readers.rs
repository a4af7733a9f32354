//! The threads that read, each with its own connection. They do not wait for the writer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{RepositoryError, UserId};

use super::connection::{self, Location};
use super::deadline;
use super::file::DatabaseFile;
use super::repository::SYSTEM;
use super::watcher::Watcher;
use crate::connections::{Connect, Pool, RetryPolicy, Session};
use crate::metrics::{ConnectErrors, DatabaseMetrics, Gauges, PoolGauges};
use crate::options::OpenError;
use crate::traces::CallTracer;
use crate::workers::{
    JobKind, Limits, PoolTracer, QueueOptions, Task, Workers, processors, run_tasks,
};

/// The name of the threads that read.
const READER: &str = "sqlite-reader";

/// The names of the kinds of jobs in metrics and traces: the readers' jobs are all of one kind.
const OPERATIONS: [&str; JobKind::COUNT] = ["read"; JobKind::COUNT];
/// The threads, and what they share.
pub(super) struct Readers {
    pub(super) workers: Workers<Task>,
    /// Runs readiness checks, which do not wait behind users' calls.
    pub(super) probe: Workers<Task>,
    pool: Pool<SqliteConnection>,
    connect_errors: ConnectErrors,
    file: Arc<DatabaseFile>,
    _watcher: Watcher,
}

impl Session for SqliteConnection {
    fn ping(&mut self) -> QueryResult<()> {
        self.batch_execute("SELECT 1")
    }

    fn is_broken(&mut self) -> bool {
        false
    }

    /// There is no server.
    fn check_terminated(&mut self) -> QueryResult<()> {
        Ok(())
    }

    /// Done by [`deadline::enforce`] instead, for each statement.
    fn set_deadline(&mut self, _: Instant) -> QueryResult<()> {
        Ok(())
    }

    /// No pooler shares the connection.
    fn disable_statement_cache(&self) -> bool {
        false
    }
}

impl Readers {
    /// Starts the threads, and the one that watches the file.
    pub(super) fn start(
        file: &Arc<DatabaseFile>,
        count: u32,
        queue_capacity: usize,
        timeout: Duration,
        metrics: Option<&DatabaseMetrics>,
    ) -> Result<Self, OpenError> {
        let metrics = metrics.map(|it| it.queue(READER, OPERATIONS));
        let file = Arc::clone(file);
        let location = Location::File(Arc::clone(&file));
        let watcher = Watcher::start(&location, &file)?;
        let connect_errors = ConnectErrors::default();
        let errors = connect_errors.clone();
        let connect: Arc<Connect<SqliteConnection>> = Arc::new(move || {
            connection::connect_reader(&location, timeout).inspect_err(|_| errors.add())
        });
        let threads = count as usize;
        let limits = Limits::for_pool(threads, queue_capacity);
        let queue = QueueOptions { threads, batching_threshold: processors(), limits };
        Ok(Self {
            workers: Workers::start_measured(READER, queue, metrics, run_tasks)?,
            probe: Workers::start("sqlite-probe", QueueOptions::PROBE, run_tasks)?,
            pool: Pool::new(queue.connections(), &connect),
            connect_errors,
            file,
            _watcher: watcher,
        })
    }

    /// Traces the calls, if there is a tracer.
    pub(super) fn trace(&mut self, tracer: Option<CallTracer>) {
        self.workers.trace(PoolTracer::of(tracer, SYSTEM, OPERATIONS));
    }

    /// What is read when metrics are collected.
    pub(super) fn gauges(&self) -> Gauges {
        let (connections, file) = (Box::new(self.pool.connections()), Arc::clone(&self.file));
        let connect_errors = self.connect_errors.clone();
        Gauges {
            queues: vec![(READER, Box::new(self.workers.depth()))],
            pools: vec![(READER, PoolGauges { connections, connect_errors })],
            wal_bytes: Some(Box::new(move || file.wal_bytes())),
        }
    }

    /// Runs a statement on one of `workers`, and waits for its result for at most `timeout`.
    pub(super) async fn run<T, F>(
        &self,
        workers: &Workers<Task>,
        user: UserId,
        timeout: Duration,
        statement: F,
    ) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        self.file.check_cached().map_err(RepositoryError::unavailable)?;
        let pool = self.pool.clone();
        let read = move |deadline| {
            let statement = |c: &mut _| deadline::enforce(deadline, || statement(c));
            pool.run(deadline, RetryPolicy::Always, statement)
        };
        workers.call(timeout, |reply_to| Task::new(user, JobKind::Lookup, reply_to, read)).await
    }
}
