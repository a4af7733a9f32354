//! Writes of new todos, and updates and deletions of one todo.

use chrono::{DateTime, Utc};
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use todo_domain::{DeleteOutcome, Todo, TodoId, TodoPatch, UpdateOutcome, UserId, VersionMatch};

use super::{Insert, by_id, find, greatest, has_version, to_todo};
use crate::postgres::deadline::{BatchVersion, first_version, is_in_time};
use crate::postgres::row::{Folded, TodoRow, sql_patch};
use crate::postgres::schema::todos;
use crate::sql::Cached;

/// Idempotent: if the todo already exists as this call would insert it, the call succeeds.
pub(in crate::postgres) fn insert(
    connection: &mut PgConnection,
    (user, todo, now): &Insert,
    deadline: DateTime<Utc>,
) -> QueryResult<Todo> {
    let created = todo.clone().created(*user, *now);
    let version = todos::version.eq(first_version(deadline));
    let new = (TodoRow::from(&created), Folded::from(&created), version);
    match diesel::insert_into(todos::table).values(new).execute(connection) {
        Err(error @ Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            if find(connection, &(*user, created.id))?.as_ref() == Some(&created) {
                Ok(created)
            } else {
                Err(error)
            }
        }
        result => result.map(|_| created),
    }
}

/// Inserts all todos or, if one of them already exists, none.
pub(in crate::postgres) fn insert_all(
    connection: &mut PgConnection,
    new: &[&Insert],
    deadline: DateTime<Utc>,
) -> QueryResult<Vec<Todo>> {
    // One row checks the deadline for the whole statement: each check takes time.
    let mut deadline = Some(deadline);
    let created = new.iter().map(|(user, todo, now)| todo.clone().created(*user, *now));
    let created: Vec<Todo> = created.collect();
    let rows = created.iter().map(|todo| {
        let version = todos::version.eq(BatchVersion::new(deadline.take()));
        (TodoRow::from(todo), Folded::from(todo), version)
    });
    let rows: Vec<_> = rows.collect();
    Cached(diesel::insert_into(todos::table).values(rows)).execute(connection)?;
    Ok(created)
}

pub(in crate::postgres) fn update(
    connection: &mut PgConnection,
    user: UserId,
    id: TodoId,
    patch: &TodoPatch,
    versions: &VersionMatch,
    now: DateTime<Utc>,
    deadline: DateTime<Utc>,
) -> QueryResult<UpdateOutcome> {
    let patch = sql_patch(patch, now);
    let row = by_id(user.0, id.0).filter(has_version(versions)).filter(is_in_time(deadline));
    let statement = diesel::update(row)
        .set((
            &patch.assignments,
            todos::version
                .eq(case_when(&patch.is_change, todos::version + 1).otherwise(todos::version)),
            todos::updated_at.eq(case_when(&patch.is_change, greatest(todos::updated_at, now))
                .otherwise(todos::updated_at)),
        ))
        .returning(TodoRow::as_returning());
    let updated = Cached(statement).get_result(connection).optional()?;
    if let Some(row) = updated {
        return Ok(UpdateOutcome::Updated(to_todo(row)?));
    }
    if *versions == VersionMatch::Any {
        return Ok(UpdateOutcome::Absent);
    }
    let current = find(connection, &(user, id))?;
    Ok(current.map_or(UpdateOutcome::Absent, UpdateOutcome::Conflict))
}

pub(in crate::postgres) fn delete(
    connection: &mut PgConnection,
    user: UserId,
    id: TodoId,
    versions: &VersionMatch,
    deadline: DateTime<Utc>,
) -> QueryResult<DeleteOutcome> {
    let row = by_id(user.0, id.0).filter(has_version(versions)).filter(is_in_time(deadline));
    let deleted = diesel::delete(row).execute(connection)?;
    if deleted == 1 {
        return Ok(DeleteOutcome::Deleted);
    }
    if *versions == VersionMatch::Any {
        return Ok(DeleteOutcome::Absent);
    }
    let current = find(connection, &(user, id))?;
    Ok(current.map_or(DeleteOutcome::Absent, DeleteOutcome::Conflict))
}
