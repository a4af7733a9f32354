//! Updates and deletions of all todos that match a filter.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{BulkOutcome, TodoFilter, TodoPatch, UserId};
use uuid::Uuid;

use super::{greatest, matches, owned_by};
use crate::postgres::deadline::is_in_time;
use crate::postgres::row::sql_patch;
use crate::postgres::schema::todos;

pub(in crate::postgres) fn update_matching(
    connection: &mut PgConnection,
    user: UserId,
    filter: &TodoFilter,
    patch: &TodoPatch,
    limit: u32,
    now: DateTime<Utc>,
    deadline: DateTime<Utc>,
) -> QueryResult<BulkOutcome> {
    let patch = sql_patch(patch, now);
    let changed = || {
        owned_by(user.0)
            .filter(matches(filter))
            .filter(&patch.is_change)
            .filter(is_in_time(deadline))
    };
    let first_over_limit = changed().select(todos::id).offset(limit.into());
    if first_over_limit.first::<Uuid>(connection).optional()?.is_some() {
        return Ok(BulkOutcome::TooMany { limit: limit.into() });
    }
    let count = diesel::update(changed())
        .set((
            &patch.assignments,
            todos::version.eq(todos::version + 1),
            todos::updated_at.eq(greatest(todos::updated_at, now)),
        ))
        .execute(connection)?;
    Ok(BulkOutcome::Changed(count as u64))
}

pub(in crate::postgres) fn delete_matching(
    connection: &mut PgConnection,
    user: UserId,
    filter: &TodoFilter,
    deadline: DateTime<Utc>,
) -> QueryResult<BulkOutcome> {
    let removed = owned_by(user.0).filter(matches(filter)).filter(is_in_time(deadline));
    let count = diesel::delete(removed).execute(connection)?;
    Ok(BulkOutcome::Changed(count as u64))
}
