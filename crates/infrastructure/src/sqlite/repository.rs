//! The repository port, implemented on SQLite.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{
    BulkOutcome, Changes, DeleteOutcome, DueBound, InsertOutcome, Listed, NewTodo, OwnerClock,
    PageQuery, PutCondition, PutOutcome, RepositoryError, SyncToken, TagCount, Todo, TodoCounts,
    TodoFilter, TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId, VersionMatch,
};

use super::connection::{self, Location};
use super::deadline;
use super::readers::Readers;
use super::statements;
use super::writer::{self, Writer};
use crate::metrics::{DatabaseMetrics, Gauges};
use crate::migrations::{self, MigrationCommand};
use crate::options::{DatabaseOptions, Observers, OpenError};
use crate::workers::{JobKind, PoolTracer, SYSTEM_USER};

/// Todos in SQLite.
pub(crate) struct SqliteTodoRepository {
    // Dropped first: it shares the connections of the readers.
    _gauges: Option<Arc<Gauges>>,
    writer: Writer,
    /// `None` for an in-memory database, which only the writer's connection can access.
    readers: Option<Readers>,
    timeout: Duration,
    bulk_timeout: Duration,
}

/// The name of the DBMS in metrics and traces.
pub(super) const SYSTEM: &str = "sqlite";

/// The names of the kinds of jobs in metrics and traces. Those of an in-memory database also read.
const WRITER_OPERATIONS: [&str; JobKind::COUNT] = ["read", "read", "write", "bulk"];

impl SqliteTodoRepository {
    /// Opens the database, migrates if the options say so, and starts the threads.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(crate) fn open(
        location: Location,
        options: &DatabaseOptions,
        observers: Observers<'_>,
    ) -> Result<Self, OpenError> {
        let Observers { mut registry, tracer } = observers;
        let DatabaseOptions {
            pool_size,
            timeout,
            queue_capacity,
            migrate_on_start,
            migrate_timeout,
            ..
        } = *options;
        let mut connection = connection::connect(&location, migrate_timeout)?;
        let command =
            if migrate_on_start { MigrationCommand::Up } else { MigrationCommand::Status };
        let known = &super::MIGRATIONS;
        let status = connection::run(&mut connection, known, command, migrate_timeout)?;
        migrations::require_all_applied(&status)?;
        connection::set_busy_timeout(&mut connection, timeout)?;
        let metrics = registry.as_deref_mut().map(|it| DatabaseMetrics::register(SYSTEM, it));
        let readers = match &location {
            Location::Memory => None,
            Location::File(file) => {
                let metrics = metrics.as_ref();
                let mut readers =
                    Readers::start(file, pool_size, queue_capacity, timeout, metrics)?;
                readers.trace(tracer.clone());
                Some(readers)
            }
        };
        let metrics = metrics.map(|it| it.queue(writer::NAME, WRITER_OPERATIONS));
        let mut writer = Writer::start(connection, location, queue_capacity, timeout, metrics)?;
        writer.trace(PoolTracer::of(tracer, SYSTEM, WRITER_OPERATIONS));
        let gauges = registry.map(|registry| {
            let mut gauges = readers.as_ref().map(Readers::gauges).unwrap_or_default();
            gauges.queues.push((writer::NAME, Box::new(writer.depth())));
            gauges.register(registry)
        });
        let bulk_timeout = options.bulk_timeout;
        Ok(Self { _gauges: gauges, writer, readers, timeout, bulk_timeout })
    }

    async fn read<T, F>(&self, user: UserId, statement: F) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        match &self.readers {
            Some(readers) => readers.run(&readers.workers, user, self.timeout, statement).await,
            None => self.writer.run(user, JobKind::Read, self.timeout, statement).await,
        }
    }

    async fn write<T, F>(&self, user: UserId, statement: F) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        self.writer.run(user, JobKind::Write, self.timeout, statement).await
    }

    /// A bulk call blocks all other writes. So it may wait long, but must not run so long that others time out.
    fn max_bulk_duration(&self) -> Duration {
        self.timeout / 2
    }

    async fn write_bulk<F>(
        &self,
        user: UserId,
        statement: F,
    ) -> Result<BulkOutcome, RepositoryError>
    where
        F: Fn(&mut SqliteConnection) -> QueryResult<BulkOutcome> + Send + 'static,
    {
        let max_duration = self.max_bulk_duration();
        let statement = move |connection: &mut _| {
            deadline::enforce(Instant::now() + max_duration, || statement(connection))
        };
        self.writer.run(user, JobKind::Bulk, self.bulk_timeout, statement).await
    }
}

#[async_trait]
impl TodoRepository for SqliteTodoRepository {
    async fn insert(
        &self,
        user: UserId,
        todo: NewTodo,
        quota: Option<u32>,
        now: DateTime<Utc>,
    ) -> Result<InsertOutcome, RepositoryError> {
        let insert = move |c: &mut _| statements::insert(c, user, &todo, quota, now);
        self.write(user, insert).await
    }

    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError> {
        self.read(user, move |c| statements::find(c, user, id)).await
    }

    async fn list(&self, user: UserId, query: PageQuery) -> Result<Listed, RepositoryError> {
        self.read(user, move |c| statements::list(c, user, &query)).await
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
        let update = move |c: &mut _| statements::update(c, user, id, &patch, &versions, now);
        self.write(user, update).await
    }

    async fn put(
        &self,
        user: UserId,
        todo: NewTodo,
        condition: PutCondition,
        quota: Option<u32>,
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError> {
        let put = move |c: &mut _| statements::put(c, user, &todo, &condition, quota, now);
        self.write(user, put).await
    }

    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
        now: DateTime<Utc>,
    ) -> Result<DeleteOutcome, RepositoryError> {
        let delete = move |c: &mut _| statements::delete(c, user, id, &versions, now);
        self.write(user, delete).await
    }

    async fn update_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        patch: TodoPatch,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError> {
        let limit = statements::max_changes(self.max_bulk_duration(), Some(&patch));
        let update =
            move |c: &mut _| statements::update_matching(c, user, &filter, &patch, limit, now);
        self.write_bulk(user, update).await
    }

    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError> {
        let limit = statements::max_changes(self.max_bulk_duration(), None);
        let delete = move |c: &mut _| statements::delete_matching(c, user, &filter, limit, now);
        self.write_bulk(user, delete).await
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
        let times = self.read(user, move |c| statements::changed_at_of(c, &[user])).await?;
        Ok(times.first().map(|(_, at)| *at))
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
        self.write(SYSTEM_USER, move |c| statements::begin_purge(c, not_since, now)).await
    }

    async fn purge(
        &self,
        before: DateTime<Utc>,
        from: Option<UserId>,
    ) -> Result<Option<UserId>, RepositoryError> {
        self.write(SYSTEM_USER, move |c| statements::purge(c, before, from)).await
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        match &self.readers {
            Some(readers) => {
                readers
                    .run(&readers.probe, SYSTEM_USER, self.timeout, statements::check_readable)
                    .await
            }
            None => self.read(SYSTEM_USER, statements::check_readable).await,
        }
    }
}
