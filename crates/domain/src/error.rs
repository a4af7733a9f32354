//! The errors of the use cases.

use thiserror::Error;

use crate::{RepositoryError, Todo};

/// Why a use case failed.
#[derive(Debug, Error)]
pub enum TodoError {
    /// The user has no such todo. The error does not reveal whether another user has one.
    #[error("todo not found")]
    NotFound,
    /// The caller's precondition failed; nothing was changed.
    #[error("the todo does not meet the caller's precondition")]
    Conflict {
        /// The current todo; `None` if it does not exist.
        current: Option<Box<Todo>>,
    },
    /// More todos match than one bulk operation may change; nothing was changed.
    #[error("more than {limit} todos match")]
    TooMany {
        /// The maximum per operation.
        limit: u64,
    },
    /// Some of the todos that match would have more than [`Tags::MAX`](crate::Tags::MAX) tags; nothing was changed.
    #[error("some todos would have too many tags")]
    TooManyTags,
    /// The user has as many todos as the quota allows; nothing was changed.
    #[error("the user has {limit} todos, which is the quota")]
    QuotaExceeded {
        /// The quota.
        limit: u32,
    },
    /// The change token has expired: the client must synchronize anew.
    #[error("the change token has expired")]
    TokenExpired,
    /// The database failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}
