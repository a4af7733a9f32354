//! The port, implemented on Postgres.

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

use super::calls::{self, Call, MAX_BATCH, Waiting};
use super::connection::{self, connect};
use super::session::PgSession;
use super::statements;
use crate::connections::{Pool, Repeat};
use crate::options::{DatabaseOptions, OpenError};
use crate::url::PostgresUrl;
use crate::workers::{
    Class, Limits, NOBODY, QueueOptions, ReplyTo, Task, Workers, one_by_one, processors,
};

/// Todos in Postgres.
pub(crate) struct PostgresTodoRepository {
    workers: Workers<Call>,
    /// A thread and a connection for readiness, which does not wait behind users' calls.
    probe: Workers<Task>,
    pool: Pool<PgSession>,
    timeout: Duration,
    bulk_timeout: Duration,
}

/// How many todos a bulk update may match, for each second of its timeout. On a slow disk or a busy processor it may
/// take four times as long for each as was measured, and still ends in time.
const BULK_UPDATES_PER_SECOND: u128 = 10_000;

impl PostgresTodoRepository {
    /// Connects, migrates if told to, starts the threads.
    ///
    /// # Errors
    /// When the server cannot be reached, is not fit, or lacks migrations that are not to be made.
    pub(crate) fn open(url: &PostgresUrl, options: &DatabaseOptions) -> Result<Self, OpenError> {
        let settings = connection::open(url, options)?;
        let threads = options.pool_size as usize;
        let limits = Limits {
            batch: if settings.is_sharded { 1 } else { MAX_BATCH },
            ..Limits::for_pool(threads, options.queue_capacity)
        };
        let eager = if settings.is_near { processors() } else { threads };
        let queue = QueueOptions { threads, eager, limits };
        let url = url.clone();
        let pool = Pool::new(queue.connections(), Box::new(move || connect(&url, &settings)));
        let work = {
            let pool = pool.clone();
            move |calls| calls::answer(&pool, calls)
        };
        Ok(Self {
            workers: Workers::start("postgres", queue, work)?,
            probe: Workers::start("postgres-probe", QueueOptions::PROBE, one_by_one)?,
            pool,
            timeout: options.timeout,
            bulk_timeout: options.bulk_timeout,
        })
    }

    /// Has a thread run a statement that is never batched.
    async fn run<T, F>(
        &self,
        user: UserId,
        class: Class,
        repeat: Repeat,
        statement: F,
    ) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut PgSession, Instant) -> QueryResult<T> + Send + 'static,
    {
        let timeout = if class == Class::Bulk { self.bulk_timeout } else { self.timeout };
        let task = |reply_to| Call::Single(self.task(user, class, repeat, reply_to, statement));
        self.workers.call(timeout, task).await
    }

    fn task<T, F>(
        &self,
        user: UserId,
        class: Class,
        repeat: Repeat,
        reply_to: ReplyTo<T>,
        statement: F,
    ) -> Task
    where
        T: Send + 'static,
        F: Fn(&mut PgSession, Instant) -> QueryResult<T> + Send + 'static,
    {
        let pool = self.pool.clone();
        Task::new(user, class, reply_to, move |deadline| {
            pool.run(deadline, repeat, |session| {
                session.run_limited(class, deadline, |session| statement(session, deadline))
            })
        })
    }

    /// How many todos a bulk update may match: so many that it surely ends in time.
    fn bulk_update_limit(&self) -> u32 {
        let limit = self.bulk_timeout.as_millis() * BULK_UPDATES_PER_SECOND / 1_000;
        u32::try_from(limit).unwrap_or(u32::MAX)
    }

    /// Has a thread run a statement that writes, and takes the moment by the server's clock when it is too late for it.
    async fn write<T, F>(
        &self,
        user: UserId,
        class: Class,
        statement: F,
    ) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut PgConnection, DateTime<Utc>) -> QueryResult<T> + Send + 'static,
    {
        let statement = move |session: &mut PgSession, deadline| {
            let until = session.server_time(deadline);
            statement(&mut session.connection, until)
        };
        self.run(user, class, Repeat::IfNotExecuted, statement).await
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
        let wanted = (user, todo, now);
        self.workers.call(self.timeout, |reply_to| Call::Insert(Waiting { wanted, reply_to })).await
    }

    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError> {
        let wanted = (user, id);
        self.workers.call(self.timeout, |reply_to| Call::Find(Waiting { wanted, reply_to })).await
    }

    async fn list(&self, user: UserId, query: PageQuery) -> Result<Vec<Todo>, RepositoryError> {
        let wanted = (user, query);
        self.workers.call(self.timeout, |reply_to| Call::List(Waiting { wanted, reply_to })).await
    }

    async fn count(&self, user: UserId, filter: TodoFilter) -> Result<TodoCounts, RepositoryError> {
        let count = move |session: &mut PgSession, _| {
            statements::count(&mut session.connection, user, &filter)
        };
        self.run(user, Class::Read, Repeat::Always, count).await
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
            move |c: &mut _, until| statements::update(c, user, id, &patch, &versions, now, until);
        self.write(user, Class::Write, update).await
    }

    async fn put(
        &self,
        user: UserId,
        todo: NewTodo,
        condition: PutCondition,
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError> {
        let put = move |c: &mut _, until| statements::put(c, user, &todo, &condition, now, until);
        self.write(user, Class::Write, put).await
    }

    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
    ) -> Result<DeleteOutcome, RepositoryError> {
        let delete = move |c: &mut _, until| statements::delete(c, user, id, &versions, until);
        self.write(user, Class::Write, delete).await
    }

    async fn update_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        is_completed: bool,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError> {
        let limit = self.bulk_update_limit();
        let update = move |c: &mut _, until| {
            statements::update_matching(c, user, &filter, is_completed, limit, now, until)
        };
        self.write(user, Class::Bulk, update).await
    }

    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
    ) -> Result<BulkOutcome, RepositoryError> {
        let delete = move |c: &mut _, until| statements::delete_matching(c, user, &filter, until);
        self.write(user, Class::Bulk, delete).await
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        let check =
            |session: &mut PgSession, _| statements::check_readable(&mut session.connection);
        let task = |reply_to| self.task(NOBODY, Class::Read, Repeat::Always, reply_to, check);
        self.probe.call(self.timeout, task).await
    }
}
