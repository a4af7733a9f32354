//! Writes of one todo.

use chrono::{DateTime, Utc};
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use todo_domain::{
    DeleteOutcome, NewTodo, Todo, TodoId, TodoPatch, UpdateOutcome, UserId, VersionMatch,
};

use super::{by_id, find, greatest, has_version, to_todo};
use crate::sql::Cached;
use crate::sqlite::row::{Folded, TodoRow, sql_patch};
use crate::sqlite::schema::todos;
use crate::sqlite::values::{BlobUuid, Micros};

/// Idempotent: if the todo already exists as this call would insert it, the call succeeds.
pub(in crate::sqlite) fn insert(
    connection: &mut SqliteConnection,
    user: UserId,
    todo: &NewTodo,
    now: DateTime<Utc>,
) -> QueryResult<Todo> {
    let created = todo.clone().created(user, now);
    let row = (TodoRow::from(&created), Folded::from(&created));
    match diesel::insert_into(todos::table).values(row).execute(connection) {
        Err(error @ Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            if find(connection, user, created.id)?.as_ref() == Some(&created) {
                Ok(created)
            } else {
                Err(error)
            }
        }
        result => result.map(|_| created),
    }
}

pub(in crate::sqlite) fn update(
    connection: &mut SqliteConnection,
    user: UserId,
    id: TodoId,
    patch: &TodoPatch,
    versions: &VersionMatch,
    now: DateTime<Utc>,
) -> QueryResult<UpdateOutcome> {
    let patch = sql_patch(patch, now);
    let statement =
        diesel::update(by_id(BlobUuid(user.0), BlobUuid(id.0)).filter(has_version(versions)))
            .set((
                &patch.assignments,
                todos::version
                    .eq(case_when(&patch.is_change, todos::version + 1).otherwise(todos::version)),
                todos::updated_at.eq(case_when(
                    &patch.is_change,
                    greatest(todos::updated_at, Micros(now)),
                )
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
    let current = find(connection, user, id)?;
    Ok(current.map_or(UpdateOutcome::Absent, UpdateOutcome::Conflict))
}

pub(in crate::sqlite) fn delete(
    connection: &mut SqliteConnection,
    user: UserId,
    id: TodoId,
    versions: &VersionMatch,
) -> QueryResult<DeleteOutcome> {
    let deleted =
        diesel::delete(by_id(BlobUuid(user.0), BlobUuid(id.0)).filter(has_version(versions)))
            .execute(connection)?;
    if deleted == 1 {
        return Ok(DeleteOutcome::Deleted);
    }
    if *versions == VersionMatch::Any {
        return Ok(DeleteOutcome::Absent);
    }
    let current = find(connection, user, id)?;
    Ok(current.map_or(DeleteOutcome::Absent, DeleteOutcome::Conflict))
}
