//! Updates and deletions of all todos that match a filter.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{BulkOutcome, TodoFilter, TodoPatch, UserId};

use super::clock::{bury, tick};
use super::{greatest, matches, owned_by};
use crate::sqlite::deadline::is_in_time;
use crate::sqlite::row::sql_patch;
use crate::sqlite::schema::todos;
use crate::sqlite::values::{BlobUuid, Micros};

/// How many todos a call may change. It blocks all other writes meanwhile.
const MAX_BULK: u128 = 100_000;

/// How many todos a call may change, per second that it may run. Half of the measured rate for todos of 1,500 characters.
const BULK_CHANGES_PER_SECOND: u128 = 60_000;

/// How many todos a call may change that may run so long.
pub(in crate::sqlite) fn max_changes(duration: Duration) -> u32 {
    let in_time = duration.as_millis() * BULK_CHANGES_PER_SECOND / 1_000;
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
