//! The entity, and the values that create, change and replace it.

use chrono::{DateTime, Utc};

use crate::{Description, Title, TodoId, UserId};

/// A todo as it stands in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Todo {
    /// Its id, unique among its owner's todos.
    pub id: TodoId,
    /// Its owner.
    pub user_id: UserId,
    /// What is to be done.
    pub title: Title,
    /// More about it; `None` when never given or cleared by null.
    pub description: Option<Description>,
    /// Whether it is done.
    pub is_completed: bool,
    /// When it was created, in microseconds.
    pub created_at: DateTime<Utc>,
    /// When it last changed, in microseconds; never before [`Todo::created_at`], never running backwards.
    pub updated_at: DateTime<Utc>,
    /// 1 when created, one more after each change that changed something.
    pub version: i64,
}

/// A todo to be written whole: created, or put in place of what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTodo {
    /// Its id: made by the service, or by the client that puts it.
    pub id: TodoId,
    /// What is to be done.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
    /// Whether it is done.
    pub is_completed: bool,
}

/// The changes to a todo: `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TodoPatch {
    /// A new title.
    pub title: Option<Title>,
    /// A new description, or `Some(None)` to clear it.
    pub description: Option<Option<Description>>,
    /// A new completion state.
    pub is_completed: Option<bool>,
}

impl NewTodo {
    /// The todo that this creates for `user_id` at the moment `now`.
    #[must_use]
    pub fn created(self, user_id: UserId, now: DateTime<Utc>) -> Todo {
        Todo {
            id: self.id,
            user_id,
            title: self.title,
            description: self.description,
            is_completed: self.is_completed,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }
}
