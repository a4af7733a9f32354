//! What the errors of the use cases mean to a client.

use serde_json::value::RawValue;
use todo_domain::{Todo, TodoError};

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
                    "matches more than {limit} todos, the most that one call changes on this server; narrow it by a \
                     filter"
                ),
            ),
            TodoError::Repository(error) => error.into(),
        }
    }
}

/// The error of a request whose condition does not hold, with the todo as it stands.
#[must_use]
pub fn precondition_failed(current: Option<&Todo>) -> ApiError {
    let current = current.and_then(|todo| {
        let json = RawValue::from_string(json::text_of(todo)).ok()?;
        Some(CurrentTodo { version: todo.version, json })
    });
    ApiError::PreconditionFailed { current }
}
