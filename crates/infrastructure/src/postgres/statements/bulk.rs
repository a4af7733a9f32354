//! Updates and deletions of all todos that match a filter.

use std::time::Duration;

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{BulkOutcome, TodoFilter, TodoPatch, UserId};
use uuid::Uuid;

use super::write::BURIED;
use super::{greatest, matches, owned_by};
use crate::postgres::row::sql_patch;
use crate::postgres::schema::todos;
use crate::postgres::ticked::{Attempt, Bury, Ticked, is_ticked};
use crate::sql::Cached;

/// How many todos a bulk call may change, per second of its timeout. A quarter of the measured rate, so that it also
/// ends in time on a slow disk or a busy processor.
const BULK_CHANGES_PER_SECOND: u128 = 10_000;

/// How many todos a bulk call may change, so that it ends before its timeout.
pub(in crate::postgres) fn max_changes(timeout: Duration) -> u32 {
    let limit = timeout.as_millis() * BULK_CHANGES_PER_SECOND / 1_000;
    u32::try_from(limit).unwrap_or(u32::MAX)
}

/// The outcome of a bulk statement that has changed `$count` of the rows `$matching`, if none is left.
macro_rules! outcome {
    ($connection:ident, $count:expr, $matching:expr) => {{
        let count = $count;
        let is_done = count > 0
            || $matching.select(todos::id).first::<Uuid>($connection).optional()?.is_none();
        Ok(is_done.then_some(BulkOutcome::Changed(count as u64)))
    }};
}

pub(in crate::postgres) fn update_matching(
    connection: &mut PgConnection,
    user: UserId,
    filter: &TodoFilter,
    patch: &TodoPatch,
    limit: u32,
    attempt: Attempt,
) -> QueryResult<Option<BulkOutcome>> {
    let columns = sql_patch(patch, attempt.now);
    let changed = || owned_by(user.0).filter(matches(filter)).filter(&columns.is_change);
    let first_over_limit = changed().select(todos::id).offset(limit.into());
    if first_over_limit.first::<Uuid>(connection).optional()?.is_some() {
        return Ok(Some(BulkOutcome::TooMany { limit: limit.into() }));
    }
    let update = diesel::update(changed().filter(is_ticked())).set((
        &columns.assignments,
        todos::version.eq(todos::version + 1),
        todos::updated_at.eq(greatest(todos::updated_at, attempt.now)),
    ));
    let statement = Ticked::when(exists(changed()), user, attempt, update);
    outcome!(connection, Cached(statement).execute(connection)?, changed())
}

pub(in crate::postgres) fn delete_matching(
    connection: &mut PgConnection,
    user: UserId,
    filter: &TodoFilter,
    limit: u32,
    attempt: Attempt,
) -> QueryResult<Option<BulkOutcome>> {
    let removed = || owned_by(user.0).filter(matches(filter));
    let first_over_limit = removed().select(todos::id).offset(limit.into());
    if first_over_limit.first::<Uuid>(connection).optional()?.is_some() {
        return Ok(Some(BulkOutcome::TooMany { limit: limit.into() }));
    }
    let delete = diesel::delete(removed().filter(is_ticked())).returning(BURIED);
    let delete = Bury { delete, now: attempt.now };
    let statement = Ticked::when(exists(removed()), user, attempt, delete);
    outcome!(connection, Cached(statement).execute(connection)?, removed())
}
