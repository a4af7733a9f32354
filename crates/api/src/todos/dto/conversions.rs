//! Conversions to the response types.

use todo_domain::{Description, Todo, TodoCounts};

use super::{TodoRead, TodoStats};

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
