//! What one user has in the model.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use todo_domain::{FeedId, OwnerClock, Todo, TodoId, TodoPatch, Tombstone};
use uuid::Uuid;

/// What one user has.
#[derive(Default)]
pub(crate) struct Owned {
    pub(crate) todos: BTreeMap<TodoId, Todo>,
    pub(crate) tombstones: BTreeMap<TodoId, Tombstone>,
    pub(crate) changed_at: Option<DateTime<Utc>>,
    pub(crate) purged_at: Option<DateTime<Utc>>,
}

impl Owned {
    /// The time of the next change.
    pub(crate) fn tick(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        let next = self.changed_at.map_or(now, |last| now.max(last + TimeDelta::microseconds(1)));
        self.changed_at = Some(next);
        next
    }

    pub(crate) fn delete(&mut self, id: TodoId, now: DateTime<Utc>) {
        if let Some(Todo { version, created_at, .. }) = self.todos.remove(&id) {
            let tombstone = Tombstone { id, version, created_at, deleted_at: now };
            self.tombstones.insert(id, tombstone);
        }
    }

    pub(crate) fn update(&mut self, id: TodoId, patch: &TodoPatch, now: DateTime<Utc>) -> bool {
        let differs = self.todos.get(&id).is_some_and(|todo| todo.differs_from(patch));
        if differs {
            let now = self.tick(now);
            self.todos.entry(id).and_modify(|todo| todo.apply(patch.clone(), now));
        }
        differs
    }

    pub(crate) fn clock(&self) -> OwnerClock {
        let Self { changed_at, purged_at, .. } = *self;
        OwnerClock { feed: FeedId(Uuid::nil()), changed_at, purged_at }
    }
}
