//! The repository port, implemented on SQLite.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{
    BulkOutcome, DeleteOutcome, NewTodo, PageQuery, PutCondition, PutOutcome, RepositoryError,
    Todo, TodoCounts, TodoFilter, TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId,
    VersionMatch,
};

use super::connection::{self, Location};
use super::deadline;
use super::file::DatabaseFile;
use super::statements;
use super::watcher::Watcher;
use super::writer::Writer;
use crate::connections::{Connect, Pool, RetryPolicy, Session};
use crate::migrations::{self, MigrationCommand};
use crate::options::{DatabaseOptions, OpenError};
use crate::workers::{
    JobKind, Limits, QueueOptions, SYSTEM_USER, Task, Workers, processors, run_tasks,
};

/// Todos in SQLite.
pub(crate) struct SqliteTodoRepository {
    writer: Writer,
    /// `None` for an in-memory database, which only the writer's connection can access.
    readers: Option<Readers>,
    timeout: Duration,
    bulk_timeout: Duration,
}

struct Readers {
    workers: Workers<Task>,
    /// Runs readiness checks, which do not wait behind users' calls.
    probe: Workers<Task>,
    pool: Pool<SqliteConnection>,
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

impl SqliteTodoRepository {
    /// Opens the database, migrates if the options say so, and starts the threads.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(crate) fn open(location: Location, options: &DatabaseOptions) -> Result<Self, OpenError> {
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
        let readers = match &location {
            Location::Memory => None,
            Location::File(file) => Some(Readers::start(file, pool_size, queue_capacity, timeout)?),
        };
        let writer = Writer::start(connection, location, queue_capacity, timeout)?;
        let bulk_timeout = options.bulk_timeout;
        Ok(Self { writer, readers, timeout, bulk_timeout })
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

    async fn write_bulk<F>(
        &self,
        user: UserId,
        statement: F,
    ) -> Result<BulkOutcome, RepositoryError>
    where
        F: Fn(&mut SqliteConnection) -> QueryResult<BulkOutcome> + Send + 'static,
    {
        // It blocks all other writes. So it may wait long, but must not run so long that others time out.
        let max_duration = self.timeout / 2;
        let statement = move |connection: &mut _| {
            deadline::enforce(Instant::now() + max_duration, || statement(connection))
        };
        self.writer.run(user, JobKind::Bulk, self.bulk_timeout, statement).await
    }
}

impl Readers {
    fn start(
        file: &Arc<DatabaseFile>,
        count: u32,
        queue_capacity: usize,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        let file = Arc::clone(file);
        let location = Location::File(Arc::clone(&file));
        let watcher = Watcher::start(&location, &file)?;
        let connect: Arc<Connect<SqliteConnection>> =
            Arc::new(move || connection::connect_reader(&location, timeout));
        let threads = count as usize;
        let limits = Limits::for_pool(threads, queue_capacity);
        let queue = QueueOptions { threads, batching_threshold: processors(), limits };
        Ok(Self {
            workers: Workers::start("sqlite-reader", queue, run_tasks)?,
            probe: Workers::start("sqlite-probe", QueueOptions::PROBE, run_tasks)?,
            pool: Pool::new(queue.connections(), &connect),
            file,
            _watcher: watcher,
        })
    }

    async fn run<T, F>(
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

#[async_trait]
impl TodoRepository for SqliteTodoRepository {
    async fn insert(
        &self,
        user: UserId,
        todo: NewTodo,
        now: DateTime<Utc>,
    ) -> Result<Todo, RepositoryError> {
        let insert = move |c: &mut _| statements::insert(c, user, &todo, now);
        self.write(user, insert).await
    }

    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError> {
        self.read(user, move |c| statements::find(c, user, id)).await
    }

    async fn list(&self, user: UserId, query: PageQuery) -> Result<Vec<Todo>, RepositoryError> {
        self.read(user, move |c| statements::list(c, user, &query)).await
    }

    async fn count(&self, user: UserId, filter: TodoFilter) -> Result<TodoCounts, RepositoryError> {
        self.read(user, move |c| statements::count(c, user, &filter)).await
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
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError> {
        let put = move |c: &mut _| statements::put(c, user, &todo, &condition, now);
        self.write(user, put).await
    }

    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
    ) -> Result<DeleteOutcome, RepositoryError> {
        let delete = move |c: &mut _| statements::delete(c, user, id, &versions);
        self.write(user, delete).await
    }

    async fn update_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        patch: TodoPatch,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError> {
        let update = move |c: &mut _| statements::update_matching(c, user, &filter, &patch, now);
        self.write_bulk(user, update).await
    }

    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
    ) -> Result<BulkOutcome, RepositoryError> {
        let delete = move |c: &mut _| statements::delete_matching(c, user, &filter);
        self.write_bulk(user, delete).await
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
