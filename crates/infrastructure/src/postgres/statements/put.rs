//! PUT: creates or replaces a todo.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::upsert::excluded;
use todo_domain::{
    NewTodo, PutCondition, PutOutcome, TodoPatch, UpdateOutcome, UserId, VersionMatch,
};

use super::{changes, find, greatest, to_todo, update};
use crate::postgres::deadline::first_version;
use crate::postgres::row::{NewTodoRow, TodoRow};
use crate::postgres::schema::todos;
use crate::sql::Cached;

pub(in crate::postgres) fn put(
    connection: &mut PgConnection,
    user: UserId,
    new: &NewTodo,
    condition: &PutCondition,
    now: DateTime<Utc>,
    deadline: DateTime<Utc>,
) -> QueryResult<PutOutcome> {
    // The `filter` of an upsert, which is not in the prelude.
    use diesel::query_dsl::methods::FilterDsl as _;

    let full_patch = TodoPatch {
        title: Some(new.title.clone()),
        description: Some(new.description.clone()),
        is_completed: Some(new.is_completed),
    };
    let row = NewTodoRow::new(user, new, now);
    let row = || (&row, todos::version.eq(first_version(deadline)));
    match condition {
        PutCondition::Always => loop {
            // A row that would not change is not updated, and not returned. So a returned row of version 1 is new: the
            // databases have no other way to tell an insert from an update.
            let statement = diesel::insert_into(todos::table)
                .values(row())
                .on_conflict((todos::user_id, todos::id))
                .do_update()
                .set((
                    todos::title.eq(excluded(todos::title)),
                    todos::description.eq(excluded(todos::description)),
                    todos::is_completed.eq(excluded(todos::is_completed)),
                    todos::title_folded.eq(excluded(todos::title_folded)),
                    todos::description_folded.eq(excluded(todos::description_folded)),
                    todos::version.eq(todos::version + 1),
                    todos::updated_at.eq(greatest(todos::updated_at, now)),
                ))
                .filter(changes(&full_patch))
                .returning(TodoRow::as_returning());
            let written: Option<TodoRow> = Cached(statement).get_result(connection).optional()?;
            match written.map(to_todo).transpose()? {
                Some(todo) if todo.version == 1 => return Ok(PutOutcome::Created(todo)),
                Some(todo) => return Ok(PutOutcome::Replaced(todo)),
                None => {}
            }
            if let Some(current) = find(connection, &(user, new.id))? {
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
                return Ok(PutOutcome::Created(new.clone().created(user, now)));
            }
            Ok(PutOutcome::Conflict(find(connection, &(user, new.id))?))
        }
        PutCondition::Present(versions) => {
            Ok(match update(connection, user, new.id, &full_patch, versions, now, deadline)? {
                UpdateOutcome::Updated(todo) => PutOutcome::Replaced(todo),
                UpdateOutcome::Conflict(current) => PutOutcome::Conflict(Some(current)),
                UpdateOutcome::Absent => PutOutcome::Conflict(None),
            })
        }
        PutCondition::Unless(versions) => {
            let replace = PutCondition::Present(VersionMatch::NoneOf(versions.clone()));
            loop {
                let replaced = put(connection, user, new, &replace, now, deadline)?;
                if replaced != PutOutcome::Conflict(None) {
                    return Ok(replaced);
                }
                let created = put(connection, user, new, &PutCondition::Absent, now, deadline)?;
                if let PutOutcome::Created(_) = created {
                    return Ok(created);
                }
                // Another call has created it in between: try again.
            }
        }
    }
}
