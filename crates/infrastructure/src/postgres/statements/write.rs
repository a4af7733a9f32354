//! Writes of new todos, and updates and deletions of one todo.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use todo_domain::{
    DeleteOutcome, InsertOutcome, Todo, TodoId, TodoPatch, UpdateOutcome, UserId, VersionMatch,
};
use uuid::Uuid;

use super::clock::has_todos;
use super::{Insert, by_id, find, greatest, has_version, to_todo};
use crate::postgres::row::{Folded, TodoRow, sql_patch};
use crate::postgres::schema::todos;
use crate::postgres::ticked::{Attempt, Bury, InsertTodos, Ticked, is_ticked};
use crate::sql::Cached;

/// `None` if the attempt was too early, or must hold the clock because of the quota. Idempotent: if the todo already
/// exists unchanged, an earlier attempt has inserted it.
pub(in crate::postgres) fn insert(
    connection: &mut PgConnection,
    Insert { user, todo, quota, .. }: &Insert,
    attempt: Attempt,
) -> QueryResult<Option<InsertOutcome>> {
    let earlier = |found: &Todo| found.is_new(todo);
    if attempt.holds_clock {
        // An error would end the transaction.
        let existing = find(connection, &(*user, todo.id()))?;
        if let Some(quota) = *quota
            && existing.is_none()
            && has_todos(connection, *user, quota)?
        {
            return Ok(Some(InsertOutcome::QuotaExceeded));
        }
        if let Some(todo) = existing.filter(earlier) {
            return Ok(Some(InsertOutcome::Inserted(todo)));
        }
    } else if quota.is_some() {
        return Ok(None);
    }
    let created = todo.clone().created(*user, attempt.now);
    match insert_rows(connection, &[&created], [(user.0, attempt.now)], attempt.deadline) {
        Err(error @ Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
            if !attempt.holds_clock =>
        {
            let existing = find(connection, &(*user, todo.id()))?.filter(earlier);
            existing.ok_or(error).map(|todo| Some(InsertOutcome::Inserted(todo)))
        }
        inserted => Ok((!inserted?.is_empty()).then_some(InsertOutcome::Inserted(created))),
    }
}

/// [`insert`] for several calls, as one statement. None of them has a quota.
pub(in crate::postgres) fn insert_all(
    connection: &mut PgConnection,
    new: &[&Insert],
    deadline: DateTime<Utc>,
) -> QueryResult<Vec<Option<InsertOutcome>>> {
    // The changes of one owner have different times.
    let mut clocks: BTreeMap<Uuid, DateTime<Utc>> = BTreeMap::new();
    let created = new.iter().map(|Insert { user, todo, now, .. }| {
        let time = clocks.entry(user.0).and_modify(|last| *last += TimeDelta::microseconds(1));
        todo.clone().created(*user, *time.or_insert(*now))
    });
    let created: Vec<Todo> = created.collect();
    let inserted = insert_rows(connection, &created.iter().collect::<Vec<_>>(), clocks, deadline)?;
    let outcome =
        |todo: Todo| inserted.contains(&todo.id.0).then_some(InsertOutcome::Inserted(todo));
    Ok(created.into_iter().map(outcome).collect())
}

/// Inserts the todos of the owners whose clocks can be set; returns their ids.
fn insert_rows(
    connection: &mut PgConnection,
    created: &[&Todo],
    clocks: impl IntoIterator<Item = (Uuid, DateTime<Utc>)>,
    deadline: DateTime<Utc>,
) -> QueryResult<Vec<Uuid>> {
    let rows =
        created.iter().map(|todo| (TodoRow::from(*todo), Folded::from(*todo)).values().values);
    let statement = InsertTodos { rows: rows.collect(), upsert: None, returning: todos::id };
    let is_batch = created.len() > 1;
    Cached(Ticked::always(clocks, is_batch, deadline, statement)).load(connection)
}

pub(in crate::postgres) fn update(
    connection: &mut PgConnection,
    user: UserId,
    id: TodoId,
    patch: &TodoPatch,
    versions: &VersionMatch,
    attempt: Attempt,
) -> QueryResult<Option<UpdateOutcome>> {
    let columns = sql_patch(patch, attempt.now);
    let row = || by_id(user.0, id.0).filter(has_version(versions));
    let update = diesel::update(row().filter(is_ticked()))
        .set((
            &columns.assignments,
            todos::version.eq(todos::version + 1),
            todos::updated_at.eq(greatest(todos::updated_at, attempt.now)),
        ))
        .returning(TodoRow::as_returning());
    let is_change = diesel::dsl::exists(row().filter(&columns.is_change));
    let statement = Cached(Ticked::when(is_change, user, attempt, update));
    if let Some(row) = statement.get_result(connection).optional()? {
        return Ok(Some(UpdateOutcome::Updated(to_todo(row)?)));
    }
    Ok(match find(connection, &(user, id))? {
        None => Some(UpdateOutcome::Absent),
        Some(todo) if !versions.matches(todo.version) => Some(UpdateOutcome::Conflict(todo)),
        Some(todo) => (!todo.differs_from(patch)).then_some(UpdateOutcome::Updated(todo)),
    })
}

pub(in crate::postgres) fn delete(
    connection: &mut PgConnection,
    user: UserId,
    id: TodoId,
    versions: &VersionMatch,
    attempt: Attempt,
) -> QueryResult<Option<DeleteOutcome>> {
    let row = || by_id(user.0, id.0).filter(has_version(versions));
    let delete = diesel::delete(row().filter(is_ticked())).returning(BURIED);
    let delete = Bury { delete, now: attempt.now };
    let statement = Ticked::when(diesel::dsl::exists(row()), user, attempt, delete);
    if Cached(statement).execute(connection)? == 1 {
        return Ok(Some(DeleteOutcome::Deleted));
    }
    Ok(match find(connection, &(user, id))? {
        None => Some(DeleteOutcome::Absent),
        Some(todo) if !versions.matches(todo.version) => Some(DeleteOutcome::Conflict(todo)),
        Some(_) => None,
    })
}

/// What [`Bury`] needs of the rows that are deleted.
pub(super) const BURIED: (todos::user_id, todos::id, todos::version, todos::created_at) =
    (todos::user_id, todos::id, todos::version, todos::created_at);
