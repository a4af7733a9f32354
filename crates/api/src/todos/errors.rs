//! Conversion of the domain's errors to API errors.

use serde_json::value::RawValue;
use todo_domain::{Tags, Todo, TodoError};

use super::dto::TodoRead;
use super::json;
use crate::error::{ApiError, CurrentTodo};

impl From<TodoError> for ApiError {
    fn from(error: TodoError) -> Self {
        match error {
            TodoError::NotFound => Self::TodoNotFound,
            TodoError::Conflict { current } => precondition_failed(current.as_deref()),
            TodoError::TooMany { limit } => Self::field(
                "query",
                format!(
                    "matches more than {limit} todos, the maximum for one call on this server; use a narrower filter"
                ),
            ),
            TodoError::TooManyTags => Self::field(
                "add_tags",
                format!(
                    "would give some of the todos more than {max} tags, so nothing was changed; remove other tags, or use a narrower filter",
                    max = Tags::MAX
                ),
            ),
            TodoError::QuotaExceeded { limit } => Self::QuotaExceeded { limit },
            TodoError::TokenExpired => Self::SyncTokenExpired,
            TodoError::Repository(error) => error.into(),
        }
    }
}

/// The error of a request whose condition does not hold, with the current todo.
#[must_use]
pub fn precondition_failed(current: Option<&Todo>) -> ApiError {
    let current = current.and_then(|todo| {
        let json = RawValue::from_string(json::to_string(&TodoRead::from(todo))).ok()?;
        Some(CurrentTodo { version: todo.version, json })
    });
    ApiError::PreconditionFailed { current }
}
