//! Filters, sort orders and pages.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use crate::{SearchTerm, Todo, TodoId};

/// Selects some of the caller's todos. The default matches all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TodoFilter {
    /// Only those that are (`true`) or are not (`false`) completed.
    pub is_completed: Option<bool>,
    /// Only those whose title or description contains this term.
    pub search: Option<SearchTerm>,
    /// Only these; an empty list does not filter. Duplicates count once.
    pub ids: Vec<TodoId>,
}

impl TodoFilter {
    /// Whether the filter matches every todo.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.is_completed.is_none() && self.search.is_none() && self.ids.is_empty()
    }

    /// Whether a todo matches: the reference for the adapters' SQL.
    #[must_use]
    pub fn matches(&self, todo: &Todo) -> bool {
        (self.ids.is_empty() || self.ids.contains(&todo.id))
            && self.is_completed.is_none_or(|wanted| wanted == todo.is_completed)
            && self.search.as_ref().is_none_or(|term| {
                term.is_in(todo.title.as_str())
                    || todo.description.as_ref().is_some_and(|text| term.is_in(text.as_str()))
            })
    }
}

/// The field that a list is ordered by. Ties are broken by id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// By the time of creation.
    CreatedAt,
    /// By the time of the last change.
    UpdatedAt,
}

/// The order of a list. The default is newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The field.
    pub key: SortKey,
    /// Latest first.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { key: SortKey::CreatedAt, descending: true }
    }
}

impl Sort {
    /// The position of a todo in this order.
    #[must_use]
    pub fn position_of(self, todo: &Todo) -> Position {
        let at = match self.key {
            SortKey::CreatedAt => todo.created_at,
            SortKey::UpdatedAt => todo.updated_at,
        };
        Position { at, id: todo.id }
    }

    /// Compares two positions in this order: the reference for the adapters' SQL.
    #[must_use]
    pub fn compare(self, one: Position, other: Position) -> Ordering {
        if self.descending { other.cmp(&one) } else { one.cmp(&other) }
    }
}

/// A position in an ordered list: the sort key and the id of a todo, which may have changed or been deleted since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The value of the sort key.
    pub at: DateTime<Utc>,
    /// The tie-breaker.
    pub id: TodoId,
}

/// A query for one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// Which todos to include.
    pub filter: TodoFilter,
    /// Their order.
    pub sort: Sort,
    /// Only todos after this position; `None` starts at the first.
    pub after: Option<Position>,
    /// The maximum number of todos.
    pub limit: u32,
}

/// Todos, and when their owner's todos last changed: both as of the same moment, or the time as of an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The todos, in order.
    pub todos: Vec<Todo>,
    /// When any todo of the owner last changed; `None` if none ever has.
    pub changed_at: Option<DateTime<Utc>>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The todos, in order.
    pub items: Vec<Todo>,
    /// When any todo of the owner last changed; `None` if none ever has.
    pub changed_at: Option<DateTime<Utc>>,
    /// The position after which the next page starts; `None` on the last page.
    pub next: Option<Position>,
}

/// How many of a user's todos match a filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TodoCounts {
    /// All of them.
    pub total: u64,
    /// Those that are completed.
    pub completed: u64,
}
