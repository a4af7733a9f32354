//! Updates and deletions of all todos that match a filter.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{BulkOutcome, TagsPatch, TodoFilter, TodoPatch, UserId};

use super::clock::{bury, tick};
use super::write::apply;
use super::{find, greatest, matches, owned_by, to_todo};
use crate::sqlite::deadline::is_in_time;
use crate::sqlite::row::{TodoRow, sql_patch};
use crate::sqlite::schema::todos;
use crate::sqlite::values::{BlobUuid, Micros};

/// How many todos a call may change. It blocks all other writes meanwhile.
const MAX_BULK: u128 = 100_000;

/// How many todos a call may change, per second that it may run. Half of the measured rate for todos of 1,500 characters.
const BULK_CHANGES_PER_SECOND: u128 = 60_000;

/// The same if the result depends on the tags that a todo has: what was measured for todos with 19 tags and 1,500
/// characters.
const TAG_CHANGES_PER_SECOND: u128 = 10_000;

/// How many todos a call may change that may run so long.
pub(in crate::sqlite) fn max_changes(duration: Duration, patch: Option<&TodoPatch>) -> u32 {
    let rate = match patch.and_then(|patch| patch.tags.as_ref()) {
        None | Some(TagsPatch::Set(_)) => BULK_CHANGES_PER_SECOND,
        Some(TagsPatch::Edit { .. } | TagsPatch::Rename { .. }) => TAG_CHANGES_PER_SECOND,
    };
    let in_time = duration.as_millis() * rate / 1_000;
    u32::try_from(in_time.min(MAX_BULK)).unwrap_or(u32::MAX)
}

/// Returns from the function if there is none of the rows, or too many.
macro_rules! check_number {
    ($connection:ident, $limit:expr, $rows:expr) => {
        let row_at = |offset: u32| $rows.select(todos::id).offset(offset.into());
        if row_at($limit).first::<BlobUuid>($connection).optional()?.is_some() {
            return Ok(BulkOutcome::TooMany { limit: $limit.into() });
        }
        if row_at(0).first::<BlobUuid>($connection).optional()?.is_none() {
            return Ok(BulkOutcome::Changed(0));
        }
    };
}

pub(in crate::sqlite) fn update_matching(
    connection: &mut SqliteConnection,
    user: UserId,
    filter: &TodoFilter,
    patch: &TodoPatch,
    limit: u32,
    now: DateTime<Utc>,
) -> QueryResult<BulkOutcome> {
    if let Some(TagsPatch::Edit { .. } | TagsPatch::Rename { .. }) = patch.tags {
        return update_one_by_one(connection, user, filter, patch, limit, now);
    }
    let is_changed = |now| sql_patch(patch, now).is_change;
    let rows = || owned_by(BlobUuid(user.0)).filter(matches(filter)).filter(is_in_time());
    check_number!(connection, limit, rows().filter(is_changed(now)));
    let now = tick(connection, user, now)?;
    let columns = sql_patch(patch, now);
    let count = diesel::update(rows().filter(&columns.is_change))
        .set((
            &columns.assignments,
            todos::version.eq(todos::version + 1),
            todos::updated_at.eq(greatest(todos::updated_at, Micros(now))),
        ))
        .execute(connection)?;
    Ok(BulkOutcome::Changed(count as u64))
}

/// Updates whose result depends on the tags that a todo has. Keeps only the ids of the todos in memory.
fn update_one_by_one(
    connection: &mut SqliteConnection,
    user: UserId,
    filter: &TodoFilter,
    patch: &TodoPatch,
    limit: u32,
    now: DateTime<Utc>,
) -> QueryResult<BulkOutcome> {
    let rows = owned_by(BlobUuid(user.0)).filter(matches(filter)).filter(is_in_time());
    let mut changed = Vec::new();
    for row in
        rows.select(TodoRow::as_select()).load_iter::<TodoRow, DefaultLoadingMode>(connection)?
    {
        let todo = to_todo(row?)?;
        if patch.tags.as_ref().is_some_and(|tags| todo.tags.patched(tags).is_err()) {
            return Ok(BulkOutcome::TooManyTags);
        }
        if todo.differs_from(patch) {
            changed.push(todo.id);
        }
        if changed.len() > limit as usize {
            return Ok(BulkOutcome::TooMany { limit: limit.into() });
        }
    }
    if !changed.is_empty() {
        let now = tick(connection, user, now)?;
        for id in &changed {
            let Some(mut todo) = find(connection, user, *id)? else { continue };
            if !apply(connection, &mut todo, patch, now)? {
                break;
            }
        }
    }
    Ok(BulkOutcome::Changed(changed.len() as u64))
}

pub(in crate::sqlite) fn delete_matching(
    connection: &mut SqliteConnection,
    user: UserId,
    filter: &TodoFilter,
    limit: u32,
    now: DateTime<Utc>,
) -> QueryResult<BulkOutcome> {
    let rows = || owned_by(BlobUuid(user.0)).filter(matches(filter)).filter(is_in_time());
    check_number!(connection, limit, rows());
    let now = tick(connection, user, now)?;
    bury!(connection, rows(), now);
    let count = diesel::delete(rows()).execute(connection)?;
    Ok(BulkOutcome::Changed(count as u64))
}
