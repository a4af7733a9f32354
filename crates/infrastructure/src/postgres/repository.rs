//! The port, implemented on Postgres.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{
    DeleteOutcome, NewTodo, PageQuery, PutCondition, PutOutcome, RepositoryError, Todo, TodoCounts,
    TodoFilter, TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId, VersionMatch,
};

use super::statements;
use crate::pool::{Pool, Repeat};
use crate::workers::Workers;

/// Todos in Postgres.
pub(crate) struct PostgresTodoRepository {
    workers: Workers,
    pool: Pool<PgConnection>,
}

impl PostgresTodoRepository {
    /// Todos in the database of this pool, whose connections these workers use.
    pub(crate) fn new(workers: Workers, pool: Pool<PgConnection>) -> Self {
        Self { workers, pool }
    }

    async fn run<T, F>(&self, repeat: Repeat, statement: F) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut PgConnection) -> QueryResult<T> + Send + 'static,
    {
        let pool = self.pool.clone();
        self.workers.run(move |deadline| pool.run(deadline, repeat, statement)).await
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
        let insert = move |c: &mut _| statements::insert(c, user, &todo, now);
        self.run(Repeat::Always, insert).await
    }

    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError> {
        self.run(Repeat::Always, move |c| statements::find(c, user, id)).await
    }

    async fn list(&self, user: UserId, query: PageQuery) -> Result<Vec<Todo>, RepositoryError> {
        self.run(Repeat::Always, move |c| statements::list(c, user, &query)).await
    }

    async fn count(&self, user: UserId) -> Result<TodoCounts, RepositoryError> {
        self.run(Repeat::Always, move |c| statements::count(c, user)).await
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
        self.run(Repeat::IfNotExecuted, update).await
    }

    async fn put(
        &self,
        user: UserId,
        todo: NewTodo,
        condition: PutCondition,
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError> {
        let put = move |c: &mut _| statements::put(c, user, &todo, &condition, now);
        self.run(Repeat::IfNotExecuted, put).await
    }

    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
    ) -> Result<DeleteOutcome, RepositoryError> {
        let delete = move |c: &mut _| statements::delete(c, user, id, &versions);
        self.run(Repeat::IfNotExecuted, delete).await
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
        self.run(Repeat::IfNotExecuted, update).await
    }

    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
    ) -> Result<u64, RepositoryError> {
        let delete = move |c: &mut _| statements::delete_matching(c, user, &filter);
        self.run(Repeat::IfNotExecuted, delete).await
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        self.run(Repeat::Always, statements::ping).await
    }
}
