//! PUT: creates or replaces a todo.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{NewTodo, PutCondition, PutOutcome, Todo, UpdateOutcome, UserId, VersionMatch};

use super::clock::{has_todos, remove_tombstone, tombstone, tombstone_by_id};
use super::{by_id, find, has_version, to_todo, update};
use crate::postgres::row::{Folded, TodoRow, sql_patch};
use crate::postgres::ticked::{Attempt, InsertTodos, Ticked};
use crate::sql::Cached;

pub(in crate::postgres) fn put(
    connection: &mut PgConnection,
    user: UserId,
    new: &NewTodo,
    condition: &PutCondition,
    quota: Option<u32>,
    attempt: Attempt,
) -> QueryResult<Option<PutOutcome>> {
    if let PutCondition::Present(versions) = condition {
        let patch = new.clone().into_patch();
        let outcome = update(connection, user, new.id(), &patch, versions, attempt)?;
        return Ok(outcome.map(|outcome| match outcome {
            UpdateOutcome::Updated(todo) => PutOutcome::Replaced(todo),
            UpdateOutcome::Conflict(current) => PutOutcome::Conflict(Some(current)),
            UpdateOutcome::Absent => PutOutcome::Conflict(None),
        }));
    }
    let mut created = new.clone().created(user, attempt.now);
    if attempt.holds_clock {
        let tombstone = tombstone(connection, user, new.id())?;
        if find(connection, &(user, new.id()))?.is_none() {
            if !condition.allows_creating(tombstone.is_some()) {
                return Ok(Some(PutOutcome::Conflict(None)));
            }
            if let Some(quota) = quota
                && has_todos(connection, user, quota)?
            {
                return Ok(Some(PutOutcome::QuotaExceeded));
            }
            if let Some(tombstone) = tombstone {
                created = tombstone.revive(new.clone(), user, attempt.now);
            }
        }
        if tombstone.is_some() {
            remove_tombstone(connection, user, new.id())?;
        }
    } else if quota.is_some() {
        return Ok(None);
    }
    if let Some(todo) = upsert(connection, &created, new, condition, attempt)? {
        let is_created = todo.version == created.version;
        let outcome = if is_created { PutOutcome::Created } else { PutOutcome::Replaced };
        return Ok(Some(outcome(todo)));
    }
    Ok(find(connection, &(user, new.id()))?.and_then(|current| {
        if !condition.allows_replacing(current.version) {
            return Some(PutOutcome::Conflict(Some(current)));
        }
        (!current.differs_from(&new.clone().into_patch())).then_some(PutOutcome::Replaced(current))
    }))
}

/// Creates or replaces the todo, unless the condition forbids it, nothing would change, or there is a tombstone.
fn upsert(
    connection: &mut PgConnection,
    created: &Todo,
    new: &NewTodo,
    condition: &PutCondition,
    attempt: Attempt,
) -> QueryResult<Option<Todo>> {
    let (user, id) = (created.user_id, created.id);
    let patch = new.clone().into_patch();
    let columns = sql_patch(&patch, attempt.now);
    let existing = || by_id(user.0, id.0);
    let forbidden = match condition {
        PutCondition::Unless(versions) => VersionMatch::OneOf(versions.clone()),
        PutCondition::Absent => VersionMatch::Any,
        PutCondition::Always | PutCondition::Present(_) => VersionMatch::OneOf(Vec::new()),
    };
    let is_obstacle = has_version(&forbidden).or(not(&columns.is_change));
    let is_change =
        not(exists(existing().filter(is_obstacle))).and(not(exists(tombstone_by_id(user.0, id.0))));
    let statement = InsertTodos {
        rows: vec![(TodoRow::from(created), Folded::from(created)).values().values],
        upsert: Some(&columns.assignments),
        returning: TodoRow::as_returning(),
    };
    let statement = Cached(Ticked::when(is_change, user, attempt, statement));
    statement.get_result(connection).optional()?.map(to_todo).transpose()
}
