//! PUT: creates or replaces a todo.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{NewTodo, PutCondition, PutOutcome, UpdateOutcome, UserId, VersionMatch};

use super::{find, greatest, to_todo, update};
use crate::sql::Cached;
use crate::sqlite::row::{Folded, TodoRow, sql_patch};
use crate::sqlite::schema::todos;
use crate::sqlite::values::Micros;

pub(in crate::sqlite) fn put(
    connection: &mut SqliteConnection,
    user: UserId,
    new: &NewTodo,
    condition: &PutCondition,
    now: DateTime<Utc>,
) -> QueryResult<PutOutcome> {
    // The `filter` of an upsert, which is not in the prelude.
    use diesel::query_dsl::methods::FilterDsl as _;

    let patch = new.clone().into_patch();
    let created = new.clone().created(user, now);
    let row = || (TodoRow::from(&created), Folded::from(&created));
    match condition {
        PutCondition::Always => loop {
            let columns = sql_patch(&patch, now);
            // A row that would not change is not updated, and not returned. So a returned row of version 1 is new: the
            // databases have no other way to tell an insert from an update.
            let statement = diesel::insert_into(todos::table)
                .values(row())
                .on_conflict((todos::user_id, todos::id))
                .do_update()
                .set((
                    &columns.assignments,
                    todos::version.eq(todos::version + 1),
                    todos::updated_at.eq(greatest(todos::updated_at, Micros(now))),
                ))
                .filter(&columns.is_change)
                .returning(TodoRow::as_returning());
            let written: Option<TodoRow> = Cached(statement).get_result(connection).optional()?;
            match written.map(to_todo).transpose()? {
                Some(todo) if todo.version == 1 => return Ok(PutOutcome::Created(todo)),
                Some(todo) => return Ok(PutOutcome::Replaced(todo)),
                None => {}
            }
            if let Some(current) = find(connection, user, new.id())? {
                return Ok(PutOutcome::Replaced(current));
            }
            // Another call has deleted it in between: try again.
        },
        PutCondition::Absent => {
            let inserted = diesel::insert_into(todos::table)
                .values(row())
                .on_conflict((todos::user_id, todos::id))
                .do_nothing()
                .execute(connection)?;
            if inserted == 1 {
                return Ok(PutOutcome::Created(created));
            }
            Ok(PutOutcome::Conflict(find(connection, user, new.id())?))
        }
        PutCondition::Present(versions) => {
            Ok(match update(connection, user, new.id(), &patch, versions, now)? {
                UpdateOutcome::Updated(todo) => PutOutcome::Replaced(todo),
                UpdateOutcome::Conflict(current) => PutOutcome::Conflict(Some(current)),
                UpdateOutcome::Absent => PutOutcome::Conflict(None),
            })
        }
        PutCondition::Unless(versions) => {
            let replace = PutCondition::Present(VersionMatch::NoneOf(versions.clone()));
            loop {
                let replaced = put(connection, user, new, &replace, now)?;
                if replaced != PutOutcome::Conflict(None) {
                    return Ok(replaced);
                }
                let created = put(connection, user, new, &PutCondition::Absent, now)?;
                if let PutOutcome::Created(_) = created {
                    return Ok(created);
                }
                // Another call has created it in between: try again.
            }
        }
    }
}
