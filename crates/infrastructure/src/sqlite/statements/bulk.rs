//! Updates and deletions of all todos that match a filter.

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
const MAX_BULK: u32 = 100_000;

/// Returns from the function if there is none of the rows, or too many.
macro_rules! check_number {
    ($connection:ident, $rows:expr) => {
        let row_at = |offset: u32| $rows.select(todos::id).offset(offset.into());
        if row_at(MAX_BULK).first::<BlobUuid>($connection).optional()?.is_some() {
            return Ok(BulkOutcome::TooMany { limit: MAX_BULK.into() });
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
    now: DateTime<Utc>,
) -> QueryResult<BulkOutcome> {
    let is_changed = |now| sql_patch(patch, now).is_change;
    let rows = || owned_by(BlobUuid(user.0)).filter(matches(filter)).filter(is_in_time());
    check_number!(connection, rows().filter(is_changed(now)));
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
    now: DateTime<Utc>,
) -> QueryResult<BulkOutcome> {
    let rows = || owned_by(BlobUuid(user.0)).filter(matches(filter)).filter(is_in_time());
    check_number!(connection, rows());
    let now = tick(connection, user, now)?;
    bury!(connection, rows(), now);
    let count = diesel::delete(rows()).execute(connection)?;
    Ok(BulkOutcome::Changed(count as u64))
}
