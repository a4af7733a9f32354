//! Writes of one todo. The transaction excludes other writers, so each first reads what it is about to change.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{
    DeleteOutcome, InsertOutcome, NewTodo, TagsPatch, Todo, TodoId, TodoPatch, UpdateOutcome,
    UserId, VersionMatch,
};

use super::clock::{bury, has_todos, tick};
use super::{by_id, find};
use crate::sql::Cached;
use crate::sqlite::deadline::is_in_time;
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
        apply(connection, &mut todo, patch, now)?;
    }
    Ok(UpdateOutcome::Updated(todo))
}

/// Changes a todo as it was just read. Returns whether it did: after the deadline, it does not.
pub(super) fn apply(
    connection: &mut SqliteConnection,
    todo: &mut Todo,
    patch: &TodoPatch,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    todo.apply(patch.clone(), now);
    let tags = patch.tags.as_ref().map(|_| TagsPatch::Set(todo.tags.clone()));
    let patch = TodoPatch { tags, ..patch.clone() };
    let columns = sql_patch(&patch, now);
    let row = by_id(BlobUuid(todo.user_id.0), BlobUuid(todo.id.0));
    let statement = diesel::update(row.filter(is_in_time())).set((
        &columns.assignments,
        todos::version.eq(todo.version),
        todos::updated_at.eq(Micros(todo.updated_at)),
    ));
    Ok(Cached(statement).execute(connection)? > 0)
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
