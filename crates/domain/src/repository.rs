//! The database port. Every method takes the user first, so that no unscoped query can be written: an adapter
//! restricts every statement to that user.

use std::error::Error as StdError;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{
    Changes, DueBound, Listed, NewTodo, OwnerClock, PageQuery, SyncToken, TagCount, Todo,
    TodoCounts, TodoFilter, TodoId, TodoPatch, UserId,
};

/// Stores todos. Each method is atomic, and the next call sees its effect.
///
/// A write that changes something sets the clock of the owner: to `now`, or to a microsecond after its last time if that
/// is later. This is the time of the change. A write that changes nothing leaves the clock alone.
///
/// # Errors
/// Every method returns [`RepositoryError`] if the database fails. Expected outcomes (absence, another version) are
/// values, not errors.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait TodoRepository: Send + Sync {
    /// Stores a new todo, unless the user has `quota` todos already. The id must be unused, as those that the service
    /// generates are.
    async fn insert(
        &self,
        user: UserId,
        todo: NewTodo,
        quota: Option<u32>,
        now: DateTime<Utc>,
    ) -> Result<InsertOutcome, RepositoryError>;

    /// The todo with this id.
    async fn find(&self, user: UserId, id: TodoId) -> Result<Option<Todo>, RepositoryError>;

    /// At most [`PageQuery::limit`] todos, in order.
    async fn list(&self, user: UserId, query: PageQuery) -> Result<Listed, RepositoryError>;

    /// How many todos match the filter, and how many of these are overdue: due before the moment of
    /// [`DueBound::before`].
    async fn count(
        &self,
        user: UserId,
        filter: TodoFilter,
        now: DueBound,
    ) -> Result<TodoCounts, RepositoryError>;

    /// The tags of the user's todos, by folded name: at most [`TagCount::MAX`].
    async fn tags(&self, user: UserId) -> Result<Vec<TagCount>, RepositoryError>;

    /// Changes a todo if its version matches, as [`Todo::apply`] does.
    async fn update(
        &self,
        user: UserId,
        id: TodoId,
        patch: TodoPatch,
        versions: VersionMatch,
        now: DateTime<Utc>,
    ) -> Result<UpdateOutcome, RepositoryError>;

    /// Creates a todo with the given id, unless the user has `quota` todos already, or replaces the existing one by the
    /// same rules as an update. A deleted todo is revived, as [`Tombstone::revive`](crate::Tombstone::revive) does.
    async fn put(
        &self,
        user: UserId,
        todo: NewTodo,
        condition: PutCondition,
        quota: Option<u32>,
        now: DateTime<Utc>,
    ) -> Result<PutOutcome, RepositoryError>;

    /// Deletes a todo if its version matches. A tombstone remains.
    async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
        now: DateTime<Utc>,
    ) -> Result<DeleteOutcome, RepositoryError>;

    /// Applies the patch to all todos that match the filter; returns how many changed.
    async fn update_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        patch: TodoPatch,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError>;

    /// Deletes all todos that match the filter; returns how many. Their tombstones remain.
    async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        now: DateTime<Utc>,
    ) -> Result<BulkOutcome, RepositoryError>;

    /// At most `limit` changes after those that `since` has seen, or all todos, in pages, as [`OwnerClock::changes`]
    /// defines. `None` if the token has expired, as [`OwnerClock::start`] defines.
    async fn changes(
        &self,
        user: UserId,
        since: Option<SyncToken>,
        limit: u32,
    ) -> Result<Option<Changes>, RepositoryError>;

    /// The user's clock.
    async fn clock(&self, user: UserId) -> Result<OwnerClock, RepositoryError>;

    /// When any todo of the user last changed; `None` if none ever has. Cheaper than [`TodoRepository::clock`].
    async fn changed_at(&self, user: UserId) -> Result<Option<DateTime<Utc>>, RepositoryError>;

    /// The same for many users, without those whose todos never changed. It reveals nothing else about them.
    async fn changed_at_of(
        &self,
        users: Vec<UserId>,
    ) -> Result<Vec<(UserId, DateTime<Utc>)>, RepositoryError>;

    /// Begins a purge of tombstones, unless some process has begun one after `not_since`. Returns whether it has begun.
    async fn begin_purge(
        &self,
        not_since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<bool, RepositoryError>;

    /// Purges some tombstones of deletions before `before`, in the order of their owners, from the given one on. Returns
    /// the owner to continue from, or `None` at the end.
    async fn purge(
        &self,
        before: DateTime<Utc>,
        from: Option<UserId>,
    ) -> Result<Option<UserId>, RepositoryError>;

    /// Checks that todos can be read: the database responds, the table exists, and this program may read it. It
    /// changes nothing, reveals no todo, and its cost does not depend on their number.
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

impl VersionMatch {
    /// Whether the caller agrees to change this version.
    #[must_use]
    pub fn matches(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
            Self::NoneOf(versions) => !versions.contains(&version),
        }
    }
}

/// The precondition of a put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutCondition {
    /// None: the todo is created or replaced.
    Always,
    /// Only if no todo with this id exists, nor the tombstone of one.
    Absent,
    /// Only if the todo exists with a matching version.
    Present(VersionMatch),
    /// Unless the todo exists with one of these versions: it is created, or replaces another version.
    Unless(Vec<i64>),
}

impl PutCondition {
    /// Whether a todo of this version may be replaced.
    #[must_use]
    pub fn allows_replacing(&self, version: i64) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => false,
            Self::Present(versions) => versions.matches(version),
            Self::Unless(versions) => !versions.contains(&version),
        }
    }

    /// Whether a todo may be created, or one revived that was deleted.
    #[must_use]
    pub fn allows_creating(&self, is_deleted: bool) -> bool {
        match self {
            Self::Always | Self::Unless(_) => true,
            Self::Absent => !is_deleted,
            Self::Present(_) => false,
        }
    }
}

/// The outcome of an insertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsertOutcome {
    /// The new todo.
    Inserted(Todo),
    /// The user has as many todos as the quota allows; nothing was changed.
    QuotaExceeded,
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
    /// The user has as many todos as the quota allows; nothing was changed.
    QuotaExceeded,
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
    /// Some of the todos would have more than [`Tags::MAX`](crate::Tags::MAX) tags; nothing was changed.
    TooManyTags,
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
