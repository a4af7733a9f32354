//! Reads.

use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::dsl::count_star;
use diesel::expression::IntoSql;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Binary};
use todo_domain::{Listed, PageQuery, SortKey, Todo, TodoCounts, TodoFilter, TodoId, UserId};

use super::{by_id, changed_at_of, matches, owned_by, to_todo};
use crate::sql::comes_after;
use crate::sqlite::row::TodoRow;
use crate::sqlite::schema::{todos, user_clocks};
use crate::sqlite::values::{BlobUuid, Micros};

/// Checks that the first row of the table can be read from the file, not from the page cache of this connection. The row
/// may be any user's, and is discarded.
pub(in crate::sqlite) fn check_readable(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute("PRAGMA shrink_memory")?;
    let first = todos::table.order((todos::user_id, todos::id)).select(todos::version);
    first.first::<i64>(connection).optional().map(drop)
}

pub(in crate::sqlite) fn find(
    connection: &mut SqliteConnection,
    user: UserId,
    id: TodoId,
) -> QueryResult<Option<Todo>> {
    let row = by_id(BlobUuid(user.0), BlobUuid(id.0))
        .select(TodoRow::as_select())
        .first(connection)
        .optional()?;
    row.map(to_todo).transpose()
}

pub(in crate::sqlite) fn list(
    connection: &mut SqliteConnection,
    user: UserId,
    query: &PageQuery,
) -> QueryResult<Listed> {
    let listed = list_once(connection, user, query)?;
    if !listed.todos.is_empty() {
        return Ok(listed);
    }
    // No row tells the time. It must not be later than what the list shows, so it is read before.
    let changed_at = changed_at_of(connection, &[user])?.pop().map(|(_, at)| at);
    let listed = list_once(connection, user, query)?;
    Ok(Listed { changed_at: listed.changed_at.or(changed_at), ..listed })
}

fn list_once(
    connection: &mut SqliteConnection,
    user: UserId,
    query: &PageQuery,
) -> QueryResult<Listed> {
    let clock = user_clocks::table.find(BlobUuid(user.0)).select(user_clocks::changed_at);
    let mut rows = owned_by(BlobUuid(user.0))
        .filter(matches(&query.filter))
        .select((TodoRow::as_select(), clock.single_value()))
        .limit(query.limit.into())
        .into_boxed();
    let descending = query.sort.descending;
    macro_rules! ordered_by {
        ($key:expr) => {{
            if let Some(after) = query.after {
                let position = (
                    Micros(after.at).into_sql::<BigInt>(),
                    BlobUuid(after.id.0).into_sql::<Binary>(),
                );
                let is_after = comes_after(($key, todos::id), descending, position);
                // If ids are given, look these up instead of scanning the index for all todos that come after.
                rows = rows.filter(is_after.use_index(query.filter.ids.is_empty()));
            }
            if descending {
                rows.order_by(($key.desc(), todos::id.desc()))
            } else {
                rows.order_by(($key.asc(), todos::id.asc()))
            }
        }};
    }
    let rows = match query.sort.key {
        SortKey::CreatedAt => ordered_by!(todos::created_at),
        SortKey::UpdatedAt => ordered_by!(todos::updated_at),
    };
    let mut listed = Listed::default();
    for row in rows.load_iter::<(TodoRow, Option<Micros>), DefaultLoadingMode>(connection)? {
        let (row, changed_at) = row?;
        listed.changed_at = changed_at.map(|it| it.0);
        listed.todos.push(to_todo(row)?);
    }
    Ok(listed)
}

pub(in crate::sqlite) fn count(
    connection: &mut SqliteConnection,
    user: UserId,
    filter: &TodoFilter,
) -> QueryResult<TodoCounts> {
    let (total, completed): (i64, i64) = owned_by(BlobUuid(user.0))
        .filter(matches(filter))
        .select((count_star(), diesel::dsl::count(todos::id).aggregate_filter(todos::is_completed)))
        .first(connection)?;
    Ok(TodoCounts { total: total.unsigned_abs(), completed: completed.unsigned_abs() })
}
