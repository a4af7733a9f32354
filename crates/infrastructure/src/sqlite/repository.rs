//! The port, implemented on SQLite.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{
    DeleteOutcome, NewTodo, PageQuery, PutCondition, PutOutcome, RepositoryError, Todo, TodoCounts,
    TodoFilter, TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId, VersionMatch,
};

use super::connection::{self, Location};
use super::deadline;
use super::statements;
use super::writer::Writer;
use crate::database::{DatabaseOptions, OpenError};
use crate::migrations::{self, MigrationCommand};
use crate::pool::{Pool, Repeat};
use crate::queue::QueueOptions;
use crate::workers::{Workers, for_each_processor, one_by_one};

/// Todos in SQLite.
pub(crate) struct SqliteTodoRepository {
    writer: Writer,
    /// `None` for a database in memory, which only the writer's connection sees.
    readers: Option<Readers>,
}

struct Readers {
    workers: Workers,
    pool: Pool<SqliteConnection>,
}

impl SqliteTodoRepository {
    /// Opens the database, migrates if told to, starts the threads.
    ///
    /// # Errors
    /// When the file cannot be opened, or lacks migrations that are not to be made.
    pub(crate) fn open(location: Location, options: &DatabaseOptions) -> Result<Self, OpenError> {
        let DatabaseOptions { pool_size, timeout, queue_capacity, migrate_on_start, .. } = *options;
        let mut connection = connection::connect(&location, timeout)?;
        let command =
            if migrate_on_start { MigrationCommand::Up } else { MigrationCommand::Status };
        migrations::require_all_applied(&connection::run(&mut connection, command)?)?;
        let readers = match &location {
            Location::Memory => None,
            Location::File(_) => {
                Some(Readers::start(&location, pool_size, queue_capacity, timeout)?)
            }
        };
        let writer = Writer::start(connection, location, queue_capacity, timeout)?;
        Ok(Self { writer, readers })
    }

    async fn read<T, F>(&self, statement: F) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        match &self.readers {
            Some(Readers { workers, pool }) => {
                let pool = pool.clone();
                let job = move |deadline| {
                    let in_time = |c: &mut _| deadline::enforce(deadline, || statement(c));
                    pool.run(deadline, Repeat::Always, in_time)
                };
                workers.run(|alone| alone, job).await
            }
            None => self.writer.run(statement).await,
        }
    }
}

impl Readers {
    fn start(
        location: &Location,
        count: u32,
        queue_capacity: usize,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        let location = location.clone();
        let connect = Box::new(move || connection::connect_reader(&location, timeout));
        // A file has no other end.
        let pool = Pool::new(count, connect, |_| Ok(()));
        // A thread does all the work itself: one keeps a processor busy.
        let few = for_each_processor(1);
        let queue = QueueOptions {
            capacity: queue_capacity,
            threads: count as usize,
            few,
            fewest: few,
            together: 1,
        };
        let workers = Workers::start("sqlite-reader", queue, timeout, one_by_one)?;
        Ok(Self { workers, pool })
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
        self.writer.run(insert).await
    }

    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError> {
        self.read(move |c| statements::find(c, user, id)).await
    }

    async fn list(&self, user: UserId, query: PageQuery) -> Result<Vec<Todo>, RepositoryError> {
        self.read(move |c| statements::list(c, user, &query)).await
    }

    async fn count(&self, user: UserId) -> Result<TodoCounts, RepositoryError> {
        self.read(move |c| statements::count(c, user)).await
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
        self.writer.run(update).await
    }

    async fn put(
        &self,
        user: UserId,
        todo: NewTodo,
        condition: PutCondition,
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError> {
        let put = move |c: &mut _| statements::put(c, user, &todo, &condition, now);
        self.writer.run(put).await
    }

    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
    ) -> Result<DeleteOutcome, RepositoryError> {
        let delete = move |c: &mut _| statements::delete(c, user, id, &versions);
        self.writer.run(delete).await
    }

    async fn update_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        is_completed: bool,
        now: DateTime<Utc>,
    ) -> Result<u64, RepositoryError> {
        let update =
            move |c: &mut _| statements::update_matching(c, user, &filter, is_completed, now);
        self.writer.run(update).await
    }

    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
    ) -> Result<u64, RepositoryError> {
        let delete = move |c: &mut _| statements::delete_matching(c, user, &filter);
        self.writer.run(delete).await
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        self.read(statements::ping).await
    }
}
