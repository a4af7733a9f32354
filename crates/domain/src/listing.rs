//! Which todos, in which order, from where on.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use crate::{SearchTerm, Todo, TodoId};

/// Which of the caller's todos are wanted. The default matches all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TodoFilter {
    /// Only those that are (`true`) or are not (`false`) completed.
    pub is_completed: Option<bool>,
    /// Only those whose title or description holds this term.
    pub search: Option<SearchTerm>,
    /// Only these; an empty list is no filter. What is in it twice counts once.
    pub ids: Vec<TodoId>,
}

impl TodoFilter {
    /// Whether this matches every todo.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.is_completed.is_none() && self.search.is_none() && self.ids.is_empty()
    }

    /// Whether a todo matches: the rule that the adapters put into SQL.
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
    /// By the moment of creation.
    CreatedAt,
    /// By the moment of the last change.
    UpdatedAt,
}

/// The order of a list. The default is newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The field.
    pub key: SortKey,
    /// From the latest to the earliest.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { key: SortKey::CreatedAt, descending: true }
    }
}

impl Sort {
    /// Where a todo stands in this order.
    #[must_use]
    pub fn position_of(self, todo: &Todo) -> Position {
        let at = match self.key {
            SortKey::CreatedAt => todo.created_at,
            SortKey::UpdatedAt => todo.updated_at,
        };
        Position { at, id: todo.id }
    }

    /// How two places follow each other in this order: the rule that the adapters put into SQL.
    #[must_use]
    pub fn compare(self, one: Position, other: Position) -> Ordering {
        if self.descending { other.cmp(&one) } else { one.cmp(&other) }
    }
}

/// A place in an ordered list: the sort key and the id of the todo that stands, or stood, there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The value of the sort key.
    pub at: DateTime<Utc>,
    /// The tie-breaker.
    pub id: TodoId,
}

/// A question for one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// Which todos.
    pub filter: TodoFilter,
    /// In which order.
    pub sort: Sort,
    /// Only those that come after this place; `None` from the start.
    pub after: Option<Position>,
    /// At most so many.
    pub limit: u32,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The todos, in order.
    pub items: Vec<Todo>,
    /// Where the next page goes on; `None` when this is the last.
    pub next: Option<Position>,
}

/// How many todos a user has, of those that match a filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TodoCounts {
    /// All of them.
    pub total: u64,
    /// Those that are completed.
    pub completed: u64,
}
