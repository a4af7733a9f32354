//! What a use case can fail with.

use thiserror::Error;

use crate::{RepositoryError, Todo};

/// Why a use case failed.
#[derive(Debug, Error)]
pub enum TodoError {
    /// The user has no such todo; whether somebody else has is not told.
    #[error("todo not found")]
    NotFound,
    /// The caller's condition does not hold, nothing was changed.
    #[error("the todo is not as the caller expects it")]
    Conflict {
        /// The todo as it stands; `None` when there is none.
        current: Option<Box<Todo>>,
    },
    /// There are more todos to change than can be changed in one step; nothing was changed.
    #[error("more than {limit} todos match")]
    TooMany {
        /// How many can be.
        limit: u64,
    },
    /// The database did not do its part.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}
