//! The repository port, implemented on Postgres.

mod run;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use todo_domain::{
    BulkOutcome, Changes, DeleteOutcome, DueBound, InsertOutcome, Listed, NewTodo, OwnerClock,
    PageQuery, PutCondition, PutOutcome, RepositoryError, SyncToken, TagCount, Todo, TodoCounts,
    TodoFilter, TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId, VersionMatch,
};

use super::calls::{self, Call, MAX_BATCH, OPERATIONS, Pending, SYSTEM};
use super::connection::{self, connect};
use super::session::PgSession;
use super::statements::{self, Insert};
use crate::connections::{Connect, Pool, RetryPolicy};
use crate::metrics::{ConnectErrors, DatabaseMetrics, Gauges, PoolGauges};
use crate::options::{DatabaseOptions, Observers, OpenError};
use crate::url::PostgresUrl;
use crate::workers::{
    JobKind, Limits, PoolTracer, QueueOptions, SYSTEM_USER, Task, Workers, processors, run_tasks,
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
}

#[async_trait]
impl TodoRepository for PostgresTodoRepository {
    async fn insert(
        &self,
        user: UserId,
        todo: NewTodo,
        quota: Option<u32>,
        now: DateTime<Utc>,
    ) -> Result<InsertOutcome, RepositoryError> {
        let request = Insert { user, todo, quota, now };
        self.workers
            .call(self.timeout, |reply_to| Call::Insert(Pending { request, reply_to }))
            .await
    }

    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError> {
        let request = (user, id);
        self.workers.call(self.timeout, |reply_to| Call::Find(Pending { request, reply_to })).await
    }

    async fn list(&self, user: UserId, query: PageQuery) -> Result<Listed, RepositoryError> {
        let request = (user, query);
        self.workers.call(self.timeout, |reply_to| Call::List(Pending { request, reply_to })).await
    }

    async fn count(
        &self,
        user: UserId,
        filter: TodoFilter,
        now: DueBound,
    ) -> Result<TodoCounts, RepositoryError> {
        self.read(user, move |c| statements::count(c, user, &filter, now)).await
    }

    async fn tags(&self, user: UserId) -> Result<Vec<TagCount>, RepositoryError> {
        self.read(user, move |c| statements::tags(c, user)).await
    }

    async fn update(
        &self,
        user: UserId,
        id: TodoId,
        patch: TodoPatch,
        versions: VersionMatch,
        now: DateTime<Utc>,
    ) -> Result<UpdateOutcome, RepositoryError> {
        let update =
            move |c: &mut _, attempt| statements::update(c, user, id, &patch, &versions, attempt);
        self.write(user, JobKind::Write, now, update).await
    }

    async fn put(
        &self,
        user: UserId,
        todo: NewTodo,
        condition: PutCondition,
        quota: Option<u32>,
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError> {
        let put =
            move |c: &mut _, attempt| statements::put(c, user, &todo, &condition, quota, attempt);
        self.write(user, JobKind::Write, now, put).await
    }

    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
        now: DateTime<Utc>,
    ) -> Result<DeleteOutcome, RepositoryError> {
        let delete = move |c: &mut _, attempt| statements::delete(c, user, id, &versions, attempt);
        self.write(user, JobKind::Write, now, delete).await
    }

    async fn update_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        patch: TodoPatch,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError> {
        let limit = statements::max_changes(self.bulk_timeout, Some(&patch));
        let update = move |c: &mut _, attempt| {
            statements::update_matching(c, user, &filter, &patch, limit, attempt)
        };
        self.write(user, JobKind::Bulk, now, update).await
    }

    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError> {
        let limit = statements::max_changes(self.bulk_timeout, None);
        let delete =
            move |c: &mut _, attempt| statements::delete_matching(c, user, &filter, limit, attempt);
        self.write(user, JobKind::Bulk, now, delete).await
    }

    async fn changes(
        &self,
        user: UserId,
        since: Option<SyncToken>,
        limit: u32,
    ) -> Result<Option<Changes>, RepositoryError> {
        self.read(user, move |c| statements::changes(c, user, since, limit)).await
    }

    async fn clock(&self, user: UserId) -> Result<OwnerClock, RepositoryError> {
        self.read(user, move |c| statements::clock(c, user)).await
    }

    async fn changed_at(&self, user: UserId) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        let call = |reply_to| Call::ChangedAt(Pending { request: user, reply_to });
        self.workers.call(self.timeout, call).await
    }

    async fn changed_at_of(
        &self,
        users: Vec<UserId>,
    ) -> Result<Vec<(UserId, DateTime<Utc>)>, RepositoryError> {
        self.read(SYSTEM_USER, move |c| statements::changed_at_of(c, &users)).await
    }

    async fn begin_purge(
        &self,
        not_since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<bool, RepositoryError> {
        self.read(SYSTEM_USER, move |c| statements::begin_purge(c, not_since, now)).await
    }

    async fn purge(
        &self,
        before: DateTime<Utc>,
        from: Option<UserId>,
    ) -> Result<Option<UserId>, RepositoryError> {
        self.read(SYSTEM_USER, move |c| statements::purge(c, before, from)).await
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        let check =
            |session: &mut PgSession, _| statements::check_readable(&mut session.connection);
        let task =
            |reply_to| self.task(SYSTEM_USER, JobKind::Read, RetryPolicy::Always, reply_to, check);
        self.probe.call(self.timeout, task).await
    }
}
