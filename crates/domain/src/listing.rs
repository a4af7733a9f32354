//! Filters, sort orders and pages.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use crate::search::fold;
use crate::{DueBound, Priority, SearchTerm, Tag, Todo, TodoId};

/// Selects some of the caller's todos. The default matches all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TodoFilter {
    /// Only those that are (`true`) or are not (`false`) completed.
    pub is_completed: Option<bool>,
    /// Only those whose title or description contains this term.
    pub search: Option<SearchTerm>,
    /// Only these; an empty list does not filter. Duplicates count once.
    pub ids: Vec<TodoId>,
    /// Only those with one of these priorities; an empty list does not filter.
    pub priorities: Vec<Priority>,
    /// Only those with all of these tags.
    pub tags: Vec<Tag>,
    /// Only those that are due before the moment of [`DueBound::before`].
    pub due_before: Option<DueBound>,
    /// Only those that are due after the moment of [`DueBound::after`].
    pub due_after: Option<DueBound>,
    /// Only those that have (`true`) or have not (`false`) a due time.
    pub has_due: Option<bool>,
}

impl TodoFilter {
    /// Whether the filter matches every todo.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a todo matches: the reference for the adapters' SQL.
    #[must_use]
    pub fn matches(&self, todo: &Todo) -> bool {
        (self.ids.is_empty() || self.ids.contains(&todo.id))
            && self.is_completed.is_none_or(|wanted| wanted == todo.is_completed)
            && (self.priorities.is_empty() || self.priorities.contains(&todo.priority))
            && self.tags.iter().all(|tag| todo.tags.contains(tag))
            && self.due_before.is_none_or(|bound| todo.due.is_some_and(|due| due.is_before(bound)))
            && self.due_after.is_none_or(|bound| todo.due.is_some_and(|due| due.is_after(bound)))
            && self.has_due.is_none_or(|wanted| wanted == todo.due.is_some())
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
    /// In the order in which they become overdue, as [`Due::order`](crate::Due::order) defines. Todos without a due time
    /// come last, also if the order is descending.
    Due,
    /// By importance.
    Priority,
    /// By the folded title, in the order of its code points.
    Title,
}

/// The order of a list. The default is newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The field.
    pub key: SortKey,
    /// Latest, most important or last first.
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
        let key = match self.key {
            SortKey::CreatedAt => KeyValue::Time(todo.created_at),
            SortKey::UpdatedAt => KeyValue::Time(todo.updated_at),
            SortKey::Due => todo.due.map_or(KeyValue::Absent, |due| KeyValue::Time(due.order())),
            SortKey::Priority => KeyValue::Priority(todo.priority),
            SortKey::Title => KeyValue::Text(fold(todo.title.as_str()).into_owned()),
        };
        Position { key, id: todo.id }
    }

    /// Compares two positions in this order: the reference for the adapters' SQL.
    #[must_use]
    pub fn compare(self, one: &Position, other: &Position) -> Ordering {
        let is_absent = |position: &Position| position.key == KeyValue::Absent;
        let order = if self.descending { other.cmp(one) } else { one.cmp(other) };
        is_absent(one).cmp(&is_absent(other)).then(order)
    }
}

/// A position in an ordered list: the sort key and the id of a todo, which may have changed or been deleted since.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The value of the sort key.
    pub key: KeyValue,
    /// The tie-breaker.
    pub id: TodoId,
}

/// The value of a sort key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyValue {
    /// Of [`SortKey::CreatedAt`], [`SortKey::UpdatedAt`] or [`SortKey::Due`].
    Time(DateTime<Utc>),
    /// Of [`SortKey::Due`], for a todo without a due time.
    Absent,
    /// Of [`SortKey::Priority`].
    Priority(Priority),
    /// Of [`SortKey::Title`]: the folded title.
    Text(String),
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

impl PageQuery {
    /// The queries whose results make up this one, one after another. Todos without a due time come last in a list by
    /// that, so they have a query of their own, whose order is that of the ids. With either one, a database reads no more
    /// rows of an index than it returns.
    #[must_use]
    pub fn parts(&self) -> Vec<Self> {
        let part = |has_due, after| {
            let filter = TodoFilter { has_due: Some(has_due), ..self.filter.clone() };
            Self { filter, after, ..*self }
        };
        if self.sort.key != SortKey::Due {
            return vec![self.clone()];
        }
        let TodoFilter { due_before, due_after, has_due, .. } = &self.filter;
        let is_absent = self.after.as_ref().is_some_and(|after| after.key == KeyValue::Absent);
        let mut parts = Vec::new();
        // What has a due time comes before a position without one.
        if *has_due != Some(false) && !is_absent {
            parts.push(part(true, self.after.clone()));
        }
        // What has none is neither before nor after a moment.
        if *has_due != Some(true) && due_before.is_none() && due_after.is_none() {
            parts.push(part(false, self.after.clone().filter(|_| is_absent)));
        }
        parts
    }
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
    /// Those that are not completed, and are due before the moment that the caller gave.
    pub overdue: u64,
    /// Those that are not completed, by priority: in the order of [`Priority::ALL`].
    pub active_by_priority: [u64; 3],
}
