//! Updates and deletions of all todos that match a filter.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{BulkOutcome, TodoFilter, UserId};

use super::{greatest, matches, owned_by};
use crate::sqlite::deadline::is_in_time;
use crate::sqlite::schema::todos;
use crate::sqlite::values::{BlobUuid, Micros};

/// How many todos a call may change. It blocks all other writes meanwhile.
const MAX_BULK: u32 = 100_000;

pub(in crate::sqlite) fn update_matching(
    connection: &mut SqliteConnection,
    user: UserId,
    filter: &TodoFilter,
    is_completed: bool,
    now: DateTime<Utc>,
) -> QueryResult<BulkOutcome> {
    let changed = || {
        owned_by(BlobUuid(user.0))
            .filter(matches(filter))
            .filter(todos::is_completed.eq(!is_completed))
            .filter(is_in_time())
    };
    let first_over_limit = changed().select(todos::id).offset(MAX_BULK.into());
    if first_over_limit.first::<BlobUuid>(connection).optional()?.is_some() {
        return Ok(BulkOutcome::TooMany { limit: MAX_BULK.into() });
    }
    let count = diesel::update(changed())
        .set((
            todos::is_completed.eq(is_completed),
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
