//! The port, implemented on Postgres.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{
    DeleteOutcome, NewTodo, PageQuery, PutCondition, PutOutcome, RepositoryError, Todo, TodoCounts,
    TodoFilter, TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId, VersionMatch,
};

use super::calls::{self, Call, Waiting};
use super::statements;
use crate::pool::{Pool, Repeat};
use crate::queue::QueueOptions;
use crate::workers::{Alone, Workers};

/// Todos in Postgres.
pub(crate) struct PostgresTodoRepository {
    workers: Workers<Call>,
    pool: Pool<PgConnection>,
}

impl PostgresTodoRepository {
    /// Todos in the database of this pool, whose connections such workers use.
    ///
    /// # Errors
    /// When the operating system grants no more threads.
    pub(crate) fn start(
        pool: Pool<PgConnection>,
        workers: QueueOptions,
        timeout: Duration,
    ) -> std::io::Result<Self> {
        let connections = pool.clone();
        let work = move |together| calls::answer(&connections, together);
        let workers = Workers::start("postgres", workers, timeout, work)?;
        Ok(Self { workers, pool })
    }

    /// Runs a statement that no other call shares.
    async fn run<T, F>(
        &self,
        kind: fn(Alone) -> Call,
        repeat: Repeat,
        statement: F,
    ) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut PgConnection) -> QueryResult<T> + Send + 'static,
    {
        let pool = self.pool.clone();
        let job = move |deadline| pool.run(deadline, repeat, statement);
        self.workers.run(kind, job).await
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
        self.workers.call(|reply_to| Call::Insert(Waiting { wanted, reply_to })).await
    }

    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError> {
        let wanted = (user, id);
        self.workers.call(|reply_to| Call::Find(Waiting { wanted, reply_to })).await
    }

    async fn list(&self, user: UserId, query: PageQuery) -> Result<Vec<Todo>, RepositoryError> {
        let wanted = (user, query);
        self.workers.call(|reply_to| Call::List(Waiting { wanted, reply_to })).await
    }

    async fn count(&self, user: UserId) -> Result<TodoCounts, RepositoryError> {
        self.run(Call::Read, Repeat::Always, move |c| statements::count(c, user)).await
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
        self.run(Call::Write, Repeat::IfNotExecuted, update).await
    }

    async fn put(
        &self,
        user: UserId,
        todo: NewTodo,
        condition: PutCondition,
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError> {
        let put = move |c: &mut _| statements::put(c, user, &todo, &condition, now);
        self.run(Call::Write, Repeat::IfNotExecuted, put).await
    }

    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
    ) -> Result<DeleteOutcome, RepositoryError> {
        let delete = move |c: &mut _| statements::delete(c, user, id, &versions);
        self.run(Call::Write, Repeat::IfNotExecuted, delete).await
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
        self.run(Call::Write, Repeat::IfNotExecuted, update).await
    }

    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
    ) -> Result<u64, RepositoryError> {
        let delete = move |c: &mut _| statements::delete_matching(c, user, &filter);
        self.run(Call::Write, Repeat::IfNotExecuted, delete).await
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        self.run(Call::Read, Repeat::Always, statements::ping).await
    }
}
