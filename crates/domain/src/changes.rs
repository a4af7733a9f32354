//! The change feed: what an owner's clients need to stay in step.
//!
//! Each owner has a clock. Each change of the owner's todos sets it to a later time, which is the `updated_at` of the
//! todos that changed, or the `deleted_at` of the tombstones. Changes become visible in the order of these times. So a
//! client that has read all changes up to a time, and asks for those after it, misses none.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{KeyValue, NewTodo, Position, Todo, TodoId, UserId};

/// What remains of a deleted todo, until it is purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// The id of the todo.
    pub id: TodoId,
    /// Its last version.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was deleted.
    pub deleted_at: DateTime<Utc>,
}

impl Tombstone {
    /// The todo that `new` makes of the deleted one at the time `now`: back in its old place, with the next version.
    #[must_use]
    pub fn revive(self, new: NewTodo, user: UserId, now: DateTime<Utc>) -> Todo {
        let Self { created_at, version, .. } = self;
        Todo { created_at, version: version + 1, ..new.created(user, now) }
    }

    fn position(self) -> FeedPosition {
        FeedPosition { at: self.deleted_at, id: self.id }
    }
}

/// The identity of a change feed. An operator can replace it, so that all clients synchronize anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedId(pub Uuid);

/// An owner's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerClock {
    /// The feed that its times belong to.
    pub feed: FeedId,
    /// The time of the owner's last change; `None` before the first.
    pub changed_at: Option<DateTime<Utc>>,
    /// Tombstones of deletions before this time may have been purged. Never later than a microsecond after the last
    /// change: so a client that has read everything is not told to begin anew.
    pub purged_at: Option<DateTime<Utc>>,
}

/// A position in the change feed: the time of a change and the id of the todo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedPosition {
    /// The time of the change.
    pub at: DateTime<Utc>,
    /// The tie-breaker.
    pub id: TodoId,
}

/// The same position in a list by [`SortKey::UpdatedAt`](crate::SortKey::UpdatedAt).
impl From<FeedPosition> for Position {
    fn from(FeedPosition { at, id }: FeedPosition) -> Self {
        Self { key: KeyValue::Time(at), id }
    }
}

/// How far a client has read the change feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncToken {
    /// The feed that was read.
    pub feed: FeedId,
    /// The last change that was read.
    pub position: FeedPosition,
    /// Deletions up to this time do not matter: when the client began to read, it knew none of these todos.
    pub deleted_after: DateTime<Utc>,
}

impl SyncToken {
    /// The position after which tombstones are read.
    #[must_use]
    pub fn tombstones_after(&self) -> FeedPosition {
        self.position.max(last_at(self.deleted_after))
    }
}

/// Changes, in order, after a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The todos that were created or changed, as they are now.
    pub items: Vec<Todo>,
    /// Those that were deleted.
    pub deleted: Vec<Tombstone>,
    /// Where to continue.
    pub next: SyncToken,
    /// Whether there are more changes now.
    pub has_more: bool,
}

/// The length of the texts of the todos on a page, in bytes. A longer todo has a page of its own.
const MAX_TEXT: usize = 64 * 1024;

/// The position before the first change.
const START: FeedPosition = FeedPosition { at: DateTime::UNIX_EPOCH, id: TodoId(Uuid::nil()) };

/// The last position of a time.
fn last_at(at: DateTime<Utc>) -> FeedPosition {
    FeedPosition { at, id: TodoId(Uuid::max()) }
}

impl OwnerClock {
    /// A token from which everything is read that changes after now.
    #[must_use]
    pub fn token(&self) -> SyncToken {
        let at = self.changed_at.unwrap_or(START.at);
        SyncToken { feed: self.feed, position: last_at(at), deleted_after: at }
    }

    /// Where to read from. `None` if the token has expired: it belongs to another feed, tombstones that it needs may
    /// have been purged, or it is ahead of the clock, as after the database was restored from a backup.
    #[must_use]
    pub fn start(&self, since: Option<SyncToken>) -> Option<SyncToken> {
        let Some(since) = since else {
            return Some(SyncToken { position: START, ..self.token() });
        };
        let known = since.tombstones_after();
        let last_purged = |purged_at| last_at(purged_at - TimeDelta::microseconds(1));
        let is_valid = since.feed == self.feed
            && known <= self.token().position
            && self.purged_at.is_none_or(|purged_at| known >= last_purged(purged_at));
        is_valid.then_some(since)
    }

    /// Whether something changed after the token.
    #[must_use]
    pub fn is_ahead_of(&self, token: SyncToken) -> bool {
        self.token().position > token.position
    }

    /// The first changes after `start`, which [`OwnerClock::start`] returned: at most `limit`, and fewer if their texts
    /// are long. `todos` are the first ones after its position, by `updated_at` and id, and `tombstones` those after
    /// [`SyncToken::tombstones_after`]: one more than `limit`, if there are as many. Both were read after the clock. What
    /// has changed in between is not returned, but left to the next call.
    #[must_use]
    pub fn changes(
        &self,
        start: SyncToken,
        mut todos: Vec<Todo>,
        mut tombstones: Vec<Tombstone>,
        limit: usize,
    ) -> Changes {
        let end = self.token();
        let position_of = |todo: &Todo| FeedPosition { at: todo.updated_at, id: todo.id };
        let length_of = |todo: &Todo| {
            let description = todo.description.as_ref().map_or(0, |it| it.as_str().len());
            todo.title.as_str().len() + description + todo.tags.as_joined_str().len()
        };
        todos.retain(|todo| position_of(todo) <= end.position);
        tombstones.retain(|it| it.position() <= end.position);
        let mut found: Vec<_> =
            todos.iter().map(|todo| (position_of(todo), length_of(todo))).collect();
        found.extend(tombstones.iter().map(|it| (it.position(), 0)));
        found.sort_unstable();
        let mut length = 0;
        let fits = |(_, text): &&(FeedPosition, usize)| {
            length += text;
            length <= MAX_TEXT
        };
        let count = found.iter().take(limit).take_while(fits).count().max(1);
        let has_more = count < found.len();
        let mut next = end;
        if has_more {
            let (last, _) = found[count - 1];
            todos.retain(|todo| position_of(todo) <= last);
            tombstones.retain(|it| it.position() <= last);
            next = SyncToken { position: last, ..start };
        }
        Changes { items: todos, deleted: tombstones, next, has_more }
    }
}
