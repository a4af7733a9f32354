//! PUT: creates or replaces a todo.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{NewTodo, PutCondition, PutOutcome, UpdateOutcome, UserId, VersionMatch};

use super::clock::{has_todos, remove_tombstone, tick, tombstone};
use super::write::insert_row;
use super::{find, update};

pub(in crate::sqlite) fn put(
    connection: &mut SqliteConnection,
    user: UserId,
    new: &NewTodo,
    condition: &PutCondition,
    quota: Option<u32>,
    now: DateTime<Utc>,
) -> QueryResult<PutOutcome> {
    if let Some(current) = find(connection, user, new.id())? {
        if !condition.allows_replacing(current.version) {
            return Ok(PutOutcome::Conflict(Some(current)));
        }
        let patch = new.clone().into_patch();
        let outcome = update(connection, user, new.id(), &patch, &VersionMatch::Any, now)?;
        return Ok(match outcome {
            UpdateOutcome::Updated(todo) => PutOutcome::Replaced(todo),
            UpdateOutcome::Conflict(current) => PutOutcome::Conflict(Some(current)),
            UpdateOutcome::Absent => PutOutcome::Conflict(None),
        });
    }
    let tombstone = tombstone(connection, user, new.id())?;
    if !condition.allows_creating(tombstone.is_some()) {
        return Ok(PutOutcome::Conflict(None));
    }
    if let Some(quota) = quota
        && has_todos(connection, user, quota)?
    {
        return Ok(PutOutcome::QuotaExceeded);
    }
    let now = tick(connection, user, now)?;
    let created = match tombstone {
        Some(tombstone) => {
            remove_tombstone(connection, user, new.id())?;
            tombstone.revive(new.clone(), user, now)
        }
        None => new.clone().created(user, now),
    };
    insert_row(connection, &created)?;
    Ok(PutOutcome::Created(created))
}
