//! The port to the database. Every method names the user first: nothing can be read or written on nobody's
//! behalf, and an adapter binds every statement to that user.

use std::error::Error as StdError;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{NewTodo, PageQuery, Todo, TodoCounts, TodoFilter, TodoId, TodoPatch, UserId};

/// Stores todos. Each method is one atomic step: it happens whole or not at all, and the next call sees it.
///
/// # Errors
/// Every method fails with [`RepositoryError`] when the database does not do its part; what a caller may
/// expect to happen (absence, another version) is no error but a value.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait TodoRepository: Send + Sync {
    /// Stores a new todo, created at `now`. The id must be fresh, as the service's are.
    async fn insert(
        &self,
        user: UserId,
        todo: NewTodo,
        now: DateTime<Utc>,
    ) -> Result<Todo, RepositoryError>;

    /// The todo of that id.
    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError>;

    /// At most [`PageQuery::limit`] todos, in order.
    async fn list(&self, user: UserId, query: PageQuery) -> Result<Vec<Todo>, RepositoryError>;

    /// How many todos match the filter.
    async fn count(&self, user: UserId, filter: TodoFilter) -> Result<TodoCounts, RepositoryError>;

    /// Changes a todo if its version is wanted. What changes nothing leaves `version` and `updated_at` alone;
    /// else `updated_at` becomes `now`, or stays if it is later.
    async fn update(
        &self,
        user: UserId,
        id: TodoId,
        patch: TodoPatch,
        versions: VersionMatch,
        now: DateTime<Utc>,
    ) -> Result<UpdateOutcome, RepositoryError>;

    /// Creates a todo under the given id, or replaces what is there, by the same rules as an update.
    async fn put(
        &self,
        user: UserId,
        todo: NewTodo,
        condition: PutCondition,
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError>;

    /// Removes a todo if its version is wanted.
    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
    ) -> Result<DeleteOutcome, RepositoryError>;

    /// Sets the completion state of all todos that match the filter; says how many that changed.
    async fn update_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        is_completed: bool,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError>;

    /// Removes all todos that match the filter; says how many.
    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
    ) -> Result<BulkOutcome, RepositoryError>;

    /// Whether todos can be read: the database answers, the table is there, and this program may read it. The one
    /// call that concerns no user; it changes nothing, tells of no todo, and costs the same however many there are.
    async fn ping(&self) -> Result<(), RepositoryError>;
}

/// The versions that a caller is ready to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionMatch {
    /// Whatever it is: the later update wins.
    Any,
    /// Only these; with an empty list, none.
    OneOf(Vec<i64>),
    /// Any but these.
    NoneOf(Vec<i64>),
}

/// When a todo may be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutCondition {
    /// Always: it is created or replaced.
    Always,
    /// Only when there is none of that id.
    Absent,
    /// Only when there is one, of such a version.
    Present(VersionMatch),
    /// Unless there is one of these versions: it is created, or replaces one of another version.
    Unless(Vec<i64>),
}

/// What came of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// The todo as it is now, changed or already as wanted.
    Updated(Todo),
    /// Nothing was changed: the todo has another version, and stands like this.
    Conflict(Todo),
    /// There is none.
    Absent,
}

/// What came of putting a todo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutOutcome {
    /// It was created.
    Created(Todo),
    /// It took the place of what was there, or was already there, just so.
    Replaced(Todo),
    /// The condition does not hold, nothing was changed; what stands there, if anything.
    Conflict(Option<Todo>),
}

/// What came of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// It is gone.
    Deleted,
    /// Nothing was changed: the todo has another version, and stands like this.
    Conflict(Todo),
    /// There is none.
    Absent,
}

/// What came of changing many todos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkOutcome {
    /// So many were changed.
    Changed(u64),
    /// Nothing was changed: there are more todos to change than this database changes in one step.
    TooMany {
        /// How many it does.
        limit: u64,
    },
}

/// The database did not do its part.
#[derive(Debug, Error)]
pub enum RepositoryError {
    /// It is away, overloaded or too slow; the same call may succeed later. A write that failed so may have
    /// been made, where the answer was lost.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// It answered with something that must not happen.
    #[error("the database call failed")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl RepositoryError {
    /// An [`RepositoryError::Unavailable`].
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }

    /// An [`RepositoryError::Internal`].
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}
