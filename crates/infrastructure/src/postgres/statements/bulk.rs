//! Updates and deletions of all todos that match a filter.

use std::time::Duration;

use diesel::dsl::{exists, not};
use diesel::expression::IntoSql;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::Bool;
use todo_domain::{BulkOutcome, TagsPatch, TodoFilter, TodoPatch, UserId};
use uuid::Uuid;

use super::write::BURIED;
use super::{Condition, greatest, matches, owned_by};
use crate::postgres::row::sql_patch;
use crate::postgres::schema::todos;
use crate::postgres::tags;
use crate::postgres::ticked::{Attempt, Bury, Ticked, is_ticked};
use crate::sql::Cached;

/// How many todos a bulk call may change, per second of its timeout. A quarter of the measured rate, so that it also
/// ends in time on a slow disk or a busy processor.
const BULK_CHANGES_PER_SECOND: u128 = 10_000;

/// The same for tags that are renamed or removed, and for tags that are added: half of the rates that were measured for
/// todos with 19 tags on a busy machine.
const TAG_CHANGES_PER_SECOND: u128 = 5_000;
const ADDED_TAGS_PER_SECOND: u128 = 1_500;

/// How many todos a bulk call may change, so that it ends before its timeout.
pub(in crate::postgres) fn max_changes(timeout: Duration, patch: Option<&TodoPatch>) -> u32 {
    let rate = match patch.and_then(|patch| patch.tags.as_ref()) {
        None | Some(TagsPatch::Set(_)) => BULK_CHANGES_PER_SECOND,
        Some(TagsPatch::Edit { add, .. }) if !add.is_empty() => ADDED_TAGS_PER_SECOND,
        Some(TagsPatch::Edit { .. } | TagsPatch::Rename { .. }) => TAG_CHANGES_PER_SECOND,
    };
    let limit = timeout.as_millis() * rate / 1_000;
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

/// Whether a row would have too many tags after the patch.
fn has_too_many_tags(patch: &TodoPatch) -> Condition<'static> {
    match &patch.tags {
        Some(patch @ TagsPatch::Edit { .. }) => Box::new(tags::is_too_many(patch)),
        None | Some(TagsPatch::Set(_) | TagsPatch::Rename { .. }) => {
            Box::new(false.into_sql::<Bool>())
        }
    }
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
    let with_too_many_tags =
        || owned_by(user.0).filter(matches(filter)).filter(has_too_many_tags(patch));
    let update = diesel::update(changed().filter(is_ticked())).set((
        &columns.assignments,
        todos::version.eq(todos::version + 1),
        todos::updated_at.eq(greatest(todos::updated_at, attempt.now)),
    ));
    let is_possible = not(exists(with_too_many_tags()));
    let statement = Ticked::when(exists(changed()).and(is_possible), user, attempt, update);
    let count = Cached(statement).execute(connection)?;
    if count == 0
        && with_too_many_tags().select(todos::id).first::<Uuid>(connection).optional()?.is_some()
    {
        return Ok(Some(BulkOutcome::TooManyTags));
    }
    outcome!(connection, count, changed())
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
