//! The database port. Every method takes the user first, so that no unscoped query can be written: an adapter
//! restricts every statement to that user.

use std::error::Error as StdError;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{NewTodo, PageQuery, Todo, TodoCounts, TodoFilter, TodoId, TodoPatch, UserId};

/// Stores todos. Each method is atomic, and the next call sees its effect.
///
/// # Errors
/// Every method returns [`RepositoryError`] if the database fails. Expected outcomes (absence, another version) are
/// values, not errors.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait TodoRepository: Send + Sync {
    /// Stores a new todo, created at `now`. The id must be unused, as those that the service generates are.
    async fn insert(
        &self,
        user: UserId,
        todo: NewTodo,
        now: DateTime<Utc>,
    ) -> Result<Todo, RepositoryError>;

    /// The todo with this id.
    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError>;

    /// At most [`PageQuery::limit`] todos, in order.
    async fn list(&self, user: UserId, query: PageQuery) -> Result<Vec<Todo>, RepositoryError>;

    /// How many todos match the filter.
    async fn count(&self, user: UserId, filter: TodoFilter) -> Result<TodoCounts, RepositoryError>;

    /// Changes a todo if its version matches, as [`Todo::apply`] does.
    async fn update(
        &self,
        user: UserId,
        id: TodoId,
        patch: TodoPatch,
        versions: VersionMatch,
        now: DateTime<Utc>,
    ) -> Result<UpdateOutcome, RepositoryError>;

    /// Creates a todo with the given id, or replaces the existing one by the same rules as an update.
    async fn put(
        &self,
        user: UserId,
        todo: NewTodo,
        condition: PutCondition,
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError>;

    /// Deletes a todo if its version matches.
    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
    ) -> Result<DeleteOutcome, RepositoryError>;

    /// Applies the patch to all todos that match the filter; returns how many changed.
    async fn update_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        patch: TodoPatch,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError>;

    /// Deletes all todos that match the filter; returns how many.
    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
    ) -> Result<BulkOutcome, RepositoryError>;

    /// Checks that todos can be read: the database responds, the table exists, and this program may read it. This is
    /// the only method without a user. It changes nothing, reveals no todo, and its cost does not depend on their
    /// number.
    async fn ping(&self) -> Result<(), RepositoryError>;
}

/// The versions that a caller agrees to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionMatch {
    /// Any version: the last update wins.
    Any,
    /// Only these; with an empty list, none.
    OneOf(Vec<i64>),
    /// Any but these.
    NoneOf(Vec<i64>),
}

/// The precondition of a put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutCondition {
    /// None: the todo is created or replaced.
    Always,
    /// Only if no todo with this id exists.
    Absent,
    /// Only if the todo exists with a matching version.
    Present(VersionMatch),
    /// Unless the todo exists with one of these versions: it is created, or replaces another version.
    Unless(Vec<i64>),
}

/// The outcome of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// The current todo, whether the update changed it or not.
    Updated(Todo),
    /// The version did not match; nothing was changed. The current todo.
    Conflict(Todo),
    /// The todo does not exist.
    Absent,
}

/// The outcome of a put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutOutcome {
    /// It was created.
    Created(Todo),
    /// It replaced the existing todo, or was equal to it.
    Replaced(Todo),
    /// The precondition failed; nothing was changed. The current todo, if any.
    Conflict(Option<Todo>),
}

/// The outcome of a delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// It was deleted.
    Deleted,
    /// The version did not match; nothing was changed. The current todo.
    Conflict(Todo),
    /// The todo does not exist.
    Absent,
}

/// The outcome of a bulk operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkOutcome {
    /// The number of todos that were changed.
    Changed(u64),
    /// More todos match than this database changes in one operation; nothing was changed.
    TooMany {
        /// The maximum per operation.
        limit: u64,
    },
}

/// A failure of the database.
#[derive(Debug, Error)]
pub enum RepositoryError {
    /// It is unreachable, overloaded or too slow; the same call may succeed later. A write with this error may still
    /// have been carried out, if the reply was lost.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// It returned an unexpected error.
    #[error("the database call failed")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl RepositoryError {
    /// Wraps a source as [`RepositoryError::Unavailable`].
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Wraps a source as [`RepositoryError::Internal`].
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}
