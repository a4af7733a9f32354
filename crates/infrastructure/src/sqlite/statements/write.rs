//! Writes of one todo. The transaction excludes other writers, so each first reads what it is about to change.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{
    DeleteOutcome, InsertOutcome, NewTodo, Todo, TodoId, TodoPatch, UpdateOutcome, UserId,
    VersionMatch,
};

use super::clock::{bury, has_todos, tick};
use super::{by_id, find};
use crate::sql::Cached;
use crate::sqlite::row::{Folded, TodoRow, sql_patch};
use crate::sqlite::schema::todos;
use crate::sqlite::values::{BlobUuid, Micros};

/// Idempotent: if the todo already exists unchanged, an earlier attempt has inserted it.
pub(in crate::sqlite) fn insert(
    connection: &mut SqliteConnection,
    user: UserId,
    todo: &NewTodo,
    quota: Option<u32>,
    now: DateTime<Utc>,
) -> QueryResult<InsertOutcome> {
    // If it exists, and is not this call's own, the insertion fails.
    let existing = find(connection, user, todo.id())?;
    if let Some(found) = existing.as_ref().filter(|found| found.is_new(todo)) {
        return Ok(InsertOutcome::Inserted(found.clone()));
    }
    if let Some(quota) = quota
        && existing.is_none()
        && has_todos(connection, user, quota)?
    {
        return Ok(InsertOutcome::QuotaExceeded);
    }
    let created = todo.clone().created(user, tick(connection, user, now)?);
    insert_row(connection, &created)?;
    Ok(InsertOutcome::Inserted(created))
}

pub(super) fn insert_row(connection: &mut SqliteConnection, created: &Todo) -> QueryResult<()> {
    let row = (TodoRow::from(created), Folded::from(created));
    diesel::insert_into(todos::table).values(row).execute(connection).map(drop)
}

pub(in crate::sqlite) fn update(
    connection: &mut SqliteConnection,
    user: UserId,
    id: TodoId,
    patch: &TodoPatch,
    versions: &VersionMatch,
    now: DateTime<Utc>,
) -> QueryResult<UpdateOutcome> {
    let Some(mut todo) = find(connection, user, id)? else { return Ok(UpdateOutcome::Absent) };
    if !versions.matches(todo.version) {
        return Ok(UpdateOutcome::Conflict(todo));
    }
    if todo.differs_from(patch) {
        let now = tick(connection, user, now)?;
        todo.apply(patch.clone(), now);
        let columns = sql_patch(patch, now);
        let statement = diesel::update(by_id(BlobUuid(user.0), BlobUuid(id.0))).set((
            &columns.assignments,
            todos::version.eq(todo.version),
            todos::updated_at.eq(Micros(todo.updated_at)),
        ));
        Cached(statement).execute(connection)?;
    }
    Ok(UpdateOutcome::Updated(todo))
}

pub(in crate::sqlite) fn delete(
    connection: &mut SqliteConnection,
    user: UserId,
    id: TodoId,
    versions: &VersionMatch,
    now: DateTime<Utc>,
) -> QueryResult<DeleteOutcome> {
    let Some(todo) = find(connection, user, id)? else { return Ok(DeleteOutcome::Absent) };
    if !versions.matches(todo.version) {
        return Ok(DeleteOutcome::Conflict(todo));
    }
    let now = tick(connection, user, now)?;
    let row = by_id(BlobUuid(user.0), BlobUuid(id.0));
    bury!(connection, row, now);
    diesel::delete(row).execute(connection)?;
    Ok(DeleteOutcome::Deleted)
}
