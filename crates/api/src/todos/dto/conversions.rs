//! Conversions to the response types.

use todo_domain::{Description, Todo, TodoCounts, Tombstone};

use super::{DeletedTodo, PriorityCounts, TodoRead, TodoStats};

impl<'a> From<&'a Todo> for TodoRead<'a> {
    fn from(todo: &'a Todo) -> Self {
        Self {
            id: todo.id.0,
            title: todo.title.as_str(),
            description: todo.description.as_ref().map(Description::as_str),
            is_completed: todo.is_completed,
            completed_at: todo.completed_at,
            priority: todo.priority.name(),
            due: todo.due,
            tags: &todo.tags,
            created_at: todo.created_at,
            updated_at: todo.updated_at,
            version: todo.version,
            user_id: todo.user_id.0,
        }
    }
}

impl From<TodoCounts> for TodoStats {
    fn from(counts: TodoCounts) -> Self {
        let TodoCounts { total, completed, overdue, active_by_priority: [low, medium, high] } =
            counts;
        let by_priority = PriorityCounts { low, medium, high };
        Self { total, active: total.saturating_sub(completed), completed, overdue, by_priority }
    }
}

impl From<&Tombstone> for DeletedTodo {
    fn from(tombstone: &Tombstone) -> Self {
        let Tombstone { id, version, deleted_at, .. } = *tombstone;
        Self { id: id.0, version, deleted_at }
    }
}
