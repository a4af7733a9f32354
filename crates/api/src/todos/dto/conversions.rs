//! Conversions between the request and response types and those of the domain.

use todo_domain::text::InvalidText;
use todo_domain::{Description, NewTodo, Title, Todo, TodoCounts, TodoId, TodoPatch};

use super::{TodoCreate, TodoPut, TodoRead, TodoStats, TodoUpdate, TodosUpdate};
use crate::error::ApiError;
use crate::http::field::Field;

impl From<Todo> for TodoRead {
    fn from(todo: Todo) -> Self {
        Self {
            id: todo.id.0,
            title: todo.title.into_string(),
            description: todo.description.map(Description::into_string),
            is_completed: todo.is_completed,
            created_at: todo.created_at,
            updated_at: todo.updated_at,
            version: todo.version,
            user_id: todo.user_id.0,
        }
    }
}

impl From<TodoCounts> for TodoStats {
    fn from(TodoCounts { total, completed }: TodoCounts) -> Self {
        Self { total, active: total.saturating_sub(completed), completed }
    }
}

/// An error that validation should have found: a bug.
fn bug(error: InvalidText) -> ApiError {
    ApiError::Internal(Box::new(error))
}

fn title(field: Field<String>) -> Result<Option<Title>, ApiError> {
    field.value().map(Title::new).transpose().map_err(bug)
}

fn required_value<T>(value: Option<T>) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::Internal("a required field is missing after validation".into()))
}

impl TodoCreate {
    /// The title, the description and whether the todo is completed.
    ///
    /// # Errors
    /// Only if the body was not validated.
    pub fn into_parts(self) -> Result<(Title, Option<Description>, bool), ApiError> {
        let title = required_value(title(self.title)?)?;
        let description = self.description.value().map(Description::new).transpose();
        Ok((title, description.map_err(bug)?, self.is_completed.value().unwrap_or_default()))
    }
}

impl TodoUpdate {
    /// The changes.
    ///
    /// # Errors
    /// Only if the body was not validated.
    pub fn into_patch(self) -> Result<TodoPatch, ApiError> {
        let description = self.description.change();
        Ok(TodoPatch {
            title: title(self.title)?,
            description: description
                .map(|text| text.map(Description::new).transpose())
                .transpose()
                .map_err(bug)?,
            is_completed: self.is_completed.value(),
        })
    }
}

impl TodoPut {
    /// The todo with this id.
    ///
    /// # Errors
    /// Only if the body was not validated.
    pub fn into_new_todo(self, id: TodoId) -> Result<NewTodo, ApiError> {
        Ok(NewTodo {
            id,
            title: required_value(title(self.title)?)?,
            description: self.description.value().map(Description::new).transpose().map_err(bug)?,
            is_completed: required_value(self.is_completed.value())?,
        })
    }
}

impl TodosUpdate {
    /// Whether to complete or reopen the todos.
    ///
    /// # Errors
    /// Only if the body was not validated.
    pub fn into_is_completed(self) -> Result<bool, ApiError> {
        required_value(self.is_completed.value())
    }
}
