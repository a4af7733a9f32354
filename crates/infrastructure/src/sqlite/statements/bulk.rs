//! Updates and deletions of all todos that match a filter.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{BulkOutcome, TodoFilter, TodoPatch, UserId};

use super::{greatest, matches, owned_by};
use crate::sqlite::deadline::is_in_time;
use crate::sqlite::row::sql_patch;
use crate::sqlite::schema::todos;
use crate::sqlite::values::{BlobUuid, Micros};

/// How many todos a call may change. It blocks all other writes meanwhile.
const MAX_BULK: u32 = 100_000;

pub(in crate::sqlite) fn update_matching(
    connection: &mut SqliteConnection,
    user: UserId,
    filter: &TodoFilter,
    patch: &TodoPatch,
    now: DateTime<Utc>,
) -> QueryResult<BulkOutcome> {
    let patch = sql_patch(patch, now);
    let changed = || {
        owned_by(BlobUuid(user.0))
            .filter(matches(filter))
            .filter(&patch.is_change)
            .filter(is_in_time())
    };
    let first_over_limit = changed().select(todos::id).offset(MAX_BULK.into());
    if first_over_limit.first::<BlobUuid>(connection).optional()?.is_some() {
        return Ok(BulkOutcome::TooMany { limit: MAX_BULK.into() });
    }
    let count = diesel::update(changed())
        .set((
            &patch.assignments,
            todos::version.eq(todos::version + 1),
            todos::updated_at.eq(greatest(todos::updated_at, Micros(now))),
        ))
        .execute(connection)?;
    Ok(BulkOutcome::Changed(count as u64))
}

pub(in crate::sqlite) fn delete_matching(
    connection: &mut SqliteConnection,
    user: UserId,
    filter: &TodoFilter,
) -> QueryResult<BulkOutcome> {
    let removed = || owned_by(BlobUuid(user.0)).filter(matches(filter)).filter(is_in_time());
    let first_over_limit = removed().select(todos::id).offset(MAX_BULK.into());
    if first_over_limit.first::<BlobUuid>(connection).optional()?.is_some() {
        return Ok(BulkOutcome::TooMany { limit: MAX_BULK.into() });
    }
    let count = diesel::delete(removed()).execute(connection)?;
    Ok(BulkOutcome::Changed(count as u64))
}
