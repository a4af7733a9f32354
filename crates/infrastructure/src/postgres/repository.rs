//! The repository port, implemented on Postgres.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{
    BulkOutcome, DeleteOutcome, NewTodo, PageQuery, PutCondition, PutOutcome, RepositoryError,
    Todo, TodoCounts, TodoFilter, TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId,
    VersionMatch,
};

use super::calls::{self, Call, MAX_BATCH, Pending};
use super::connection::{self, connect};
use super::session::PgSession;
use super::statements;
use crate::connections::{Connect, Pool, RetryPolicy};
use crate::metrics::{ConnectErrors, DatabaseMetrics, Gauges, PoolGauges};
use crate::options::{DatabaseOptions, Observers, OpenError};
use crate::url::PostgresUrl;
use crate::workers::{
    JobKind, Limits, PoolTracer, QueueOptions, ReplyTo, SYSTEM_USER, Task, Workers, processors,
    run_tasks,
};

/// Todos in Postgres.
pub(crate) struct PostgresTodoRepository {
    workers: Workers<Call>,
    /// Runs readiness checks, which do not wait behind users' calls.
    probe: Workers<Task>,
    pool: Pool<PgSession>,
    timeout: Duration,
    bulk_timeout: Duration,
    _gauges: Option<Arc<Gauges>>,
}

/// The name of the DBMS in metrics and traces.
const SYSTEM: &str = "postgresql";

/// The names of the kinds of jobs in metrics and traces. The lookups are those of one todo or a first page.
const OPERATIONS: [&str; JobKind::COUNT] = ["lookup", "read", "write", "bulk"];

/// How many todos a bulk update may match, per second of its timeout. A quarter of the measured rate, so that it also
/// ends in time on a slow disk or a busy processor.
const BULK_UPDATES_PER_SECOND: u128 = 10_000;

impl PostgresTodoRepository {
    /// Connects, migrates if the options say so, and starts the threads.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(crate) fn open(
        url: &PostgresUrl,
        options: &DatabaseOptions,
        observers: Observers<'_>,
    ) -> Result<Self, OpenError> {
        let Observers { mut registry, tracer } = observers;
        let settings = connection::open(url, options)?;
        let threads = options.pool_size as usize;
        let limits = Limits {
            max_batch: if settings.is_sharded { 1 } else { MAX_BATCH },
            ..Limits::for_pool(threads, options.queue_capacity)
        };
        let batching_threshold = if settings.is_local { processors() } else { threads };
        let queue = QueueOptions { threads, batching_threshold, limits };
        let url = url.clone();
        let connect_errors = ConnectErrors::default();
        let errors = connect_errors.clone();
        let connect: Arc<Connect<PgSession>> =
            Arc::new(move || connect(&url, &settings).inspect_err(|_| errors.add()));
        let pool = Pool::new(queue.connections(), &connect);
        let work = {
            let pool = pool.clone();
            move |calls| calls::run_batch(&pool, calls)
        };
        let metrics = registry.as_deref_mut().map(|registry| {
            DatabaseMetrics::register(SYSTEM, registry).queue("postgres", OPERATIONS)
        });
        let mut workers = Workers::start_measured("postgres", queue, metrics, work)?;
        workers.trace(PoolTracer::of(tracer, SYSTEM, OPERATIONS));
        let gauges = registry.map(|registry| {
            let connections = Box::new(pool.connections());
            let gauges = Gauges {
                queues: vec![("postgres", Box::new(workers.depth()))],
                pools: vec![("postgres", PoolGauges { connections, connect_errors })],
                wal_bytes: None,
            };
            gauges.register(registry)
        });
        Ok(Self {
            workers,
            probe: Workers::start("postgres-probe", QueueOptions::PROBE, run_tasks)?,
            pool,
            timeout: options.timeout,
            bulk_timeout: options.bulk_timeout,
            _gauges: gauges,
        })
    }

    /// Runs a statement on a worker thread, and never in a batch.
    async fn run<T, F>(
        &self,
        user: UserId,
        kind: JobKind,
        retry: RetryPolicy,
        statement: F,
    ) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut PgSession, Instant) -> QueryResult<T> + Send + 'static,
    {
        let timeout = if kind == JobKind::Bulk { self.bulk_timeout } else { self.timeout };
        let task = |reply_to| Call::Single(self.task(user, kind, retry, reply_to, statement));
        self.workers.call(timeout, task).await
    }

    fn task<T, F>(
        &self,
        user: UserId,
        kind: JobKind,
        retry: RetryPolicy,
        reply_to: ReplyTo<T>,
        statement: F,
    ) -> Task
    where
        T: Send + 'static,
        F: Fn(&mut PgSession, Instant) -> QueryResult<T> + Send + 'static,
    {
        let pool = self.pool.clone();
        Task::new(user, kind, reply_to, move |deadline| {
            pool.run(deadline, retry, |session| {
                session.run_with_timeout(kind, deadline, |session| statement(session, deadline))
            })
        })
    }

    /// How many todos a bulk update may match, so that it ends before its timeout.
    fn bulk_update_limit(&self) -> u32 {
        let limit = self.bulk_timeout.as_millis() * BULK_UPDATES_PER_SECOND / 1_000;
        u32::try_from(limit).unwrap_or(u32::MAX)
    }

    /// Runs a write on a worker thread. The statement is passed its deadline by the server's clock.
    async fn write<T, F>(
        &self,
        user: UserId,
        kind: JobKind,
        statement: F,
    ) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut PgConnection, DateTime<Utc>) -> QueryResult<T> + Send + 'static,
    {
        let statement = move |session: &mut PgSession, deadline| {
            let server_deadline = session.server_time(deadline);
            statement(&mut session.connection, server_deadline)
        };
        self.run(user, kind, RetryPolicy::IfNotExecuted, statement).await
    }
}

#[async_trait]
impl TodoRepository for PostgresTodoRepository {
    async fn insert(
        &self,
        user: UserId,
        todo: NewTodo,
        now: DateTime<Utc>,
    ) -> Result<Todo, RepositoryError> {
        let request = (user, todo, now);
        self.workers
            .call(self.timeout, |reply_to| Call::Insert(Pending { request, reply_to }))
            .await
    }

    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError> {
        let request = (user, id);
        self.workers.call(self.timeout, |reply_to| Call::Find(Pending { request, reply_to })).await
    }

    async fn list(&self, user: UserId, query: PageQuery) -> Result<Vec<Todo>, RepositoryError> {
        let request = (user, query);
        self.workers.call(self.timeout, |reply_to| Call::List(Pending { request, reply_to })).await
    }

    async fn count(&self, user: UserId, filter: TodoFilter) -> Result<TodoCounts, RepositoryError> {
        let count = move |session: &mut PgSession, _| {
            statements::count(&mut session.connection, user, &filter)
        };
        self.run(user, JobKind::Read, RetryPolicy::Always, count).await
    }

    async fn update(
        &self,
        user: UserId,
        id: TodoId,
        patch: TodoPatch,
        versions: VersionMatch,
        now: DateTime<Utc>,
    ) -> Result<UpdateOutcome, RepositoryError> {
        let update = move |c: &mut _, deadline| {
            statements::update(c, user, id, &patch, &versions, now, deadline)
        };
        self.write(user, JobKind::Write, update).await
    }

    async fn put(
        &self,
        user: UserId,
        todo: NewTodo,
        condition: PutCondition,
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError> {
        let put =
            move |c: &mut _, deadline| statements::put(c, user, &todo, &condition, now, deadline);
        self.write(user, JobKind::Write, put).await
    }

    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
    ) -> Result<DeleteOutcome, RepositoryError> {
        let delete =
            move |c: &mut _, deadline| statements::delete(c, user, id, &versions, deadline);
        self.write(user, JobKind::Write, delete).await
    }

    async fn update_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        patch: TodoPatch,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError> {
        let limit = self.bulk_update_limit();
        let update = move |c: &mut _, deadline| {
            statements::update_matching(c, user, &filter, &patch, limit, now, deadline)
        };
        self.write(user, JobKind::Bulk, update).await
    }

    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
    ) -> Result<BulkOutcome, RepositoryError> {
        let delete =
            move |c: &mut _, deadline| statements::delete_matching(c, user, &filter, deadline);
        self.write(user, JobKind::Bulk, delete).await
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        let check =
            |session: &mut PgSession, _| statements::check_readable(&mut session.connection);
        let task =
            |reply_to| self.task(SYSTEM_USER, JobKind::Read, RetryPolicy::Always, reply_to, check);
        self.probe.call(self.timeout, task).await
    }
}
