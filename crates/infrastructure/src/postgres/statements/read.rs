//! Reads.

use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::dsl::count_star;
use diesel::expression::IntoSql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_dsl::LoadQuery;
use diesel::result::QueryResult;
use diesel::sql_types::{Timestamptz, Uuid};
use todo_domain::{PageQuery, SortKey, Todo, TodoCounts, TodoFilter, UserId};

use super::{Find, List, by_id, matches, owned_by, owned_by_each, to_todo};
use crate::postgres::row::TodoRow;
use crate::postgres::schema::todos;
use crate::sql::{BatchQuery, Cached, Limited, batch_id, comes_after};

/// Checks that the table exists and may be read. It reads no row: after a large deletion, the first one may come after
/// many dead ones, and on Citus the rows are on many servers.
pub(in crate::postgres) fn check_readable(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute("SELECT version FROM todos WHERE false")
}

pub(in crate::postgres) fn find(
    connection: &mut PgConnection,
    (user, id): &Find,
) -> QueryResult<Option<Todo>> {
    let row = by_id(user.0, id.0).select(TodoRow::as_select()).first(connection).optional()?;
    row.map(to_todo).transpose()
}

/// [`find`] for several calls, as one statement.
pub(in crate::postgres) fn find_all(
    connection: &mut PgConnection,
    requests: &[&Find],
) -> QueryResult<Vec<Option<Todo>>> {
    let (users, ids) = requests.iter().map(|(user, id)| (user.0, id.0)).unzip();
    let query = owned_by_each().filter(todos::id.eq(batch_id())).select(TodoRow::as_select());
    let query = Limited { query, limit: 1 };
    let found = load_batch(connection, BatchQuery { users, ids, query })?;
    Ok(found.into_iter().map(|mut todos| todos.pop()).collect())
}

pub(in crate::postgres) fn list(
    connection: &mut PgConnection,
    (user, query): &List,
) -> QueryResult<Vec<Todo>> {
    let rows = page(owned_by(user.0).into_boxed(), query).select(TodoRow::as_select());
    let rows = Cached(Limited { query: rows, limit: query.limit });
    let rows = rows.load_iter::<TodoRow, DefaultLoadingMode>(connection)?;
    rows.take(query.limit as usize).map(|row| to_todo(row?)).collect()
}

/// [`list`] for several calls, as one statement. All must request the same page, of their own todos.
pub(in crate::postgres) fn list_all(
    connection: &mut PgConnection,
    requests: &[&List],
) -> QueryResult<Vec<Vec<Todo>>> {
    let Some((_, page_query)) = requests.first() else { return Ok(Vec::new()) };
    let users = requests.iter().map(|(user, _)| user.0).collect();
    let rows = page(owned_by_each(), page_query).select(TodoRow::as_select());
    let query = Limited { query: rows, limit: page_query.limit };
    let mut lists = load_batch(connection, BatchQuery { users, ids: Vec::new(), query })?;
    let sort = page_query.sort;
    for list in &mut lists {
        // Each list was read in order, but a join does not guarantee the order of its rows.
        list.sort_by(|a, b| sort.compare(sort.position_of(a), sort.position_of(b)));
        list.truncate(page_query.limit as usize);
    }
    Ok(lists)
}

/// Loads the rows of each call.
fn load_batch<'q, Q>(
    connection: &'q mut PgConnection,
    query: BatchQuery<Q>,
) -> QueryResult<Vec<Vec<Todo>>>
where
    Cached<BatchQuery<Q>>: LoadQuery<'q, PgConnection, (TodoRow<'static>, i64)>,
{
    let mut todos = vec![Vec::new(); query.users.len()];
    for (row, number) in Cached(query).load(connection)? {
        let of_call = usize::try_from(number - 1).ok().and_then(|index| todos.get_mut(index));
        if let Some(of_call) = of_call {
            of_call.push(to_todo(row)?);
        }
    }
    Ok(todos)
}

/// The todos of a page and all after it, in order.
fn page<'a>(owned: todos::BoxedQuery<'a, Pg>, query: &'a PageQuery) -> todos::BoxedQuery<'a, Pg> {
    let mut rows = owned.filter(matches(&query.filter));
    let descending = query.sort.descending;
    macro_rules! ordered_by {
        ($key:expr) => {{
            if let Some(after) = query.after {
                let position = (after.at.into_sql::<Timestamptz>(), after.id.0.into_sql::<Uuid>());
                rows = rows.filter(comes_after(($key, todos::id), descending, position));
            }
            if descending {
                rows.order_by(($key.desc(), todos::id.desc()))
            } else {
                rows.order_by(($key.asc(), todos::id.asc()))
            }
        }};
    }
    match query.sort.key {
        SortKey::CreatedAt => ordered_by!(todos::created_at),
        SortKey::UpdatedAt => ordered_by!(todos::updated_at),
    }
}

pub(in crate::postgres) fn count(
    connection: &mut PgConnection,
    user: UserId,
    filter: &TodoFilter,
) -> QueryResult<TodoCounts> {
    let (total, completed): (i64, i64) = owned_by(user.0)
        .filter(matches(filter))
        .select((count_star(), diesel::dsl::count(todos::id).aggregate_filter(todos::is_completed)))
        .first(connection)?;
    Ok(TodoCounts { total: total.unsigned_abs(), completed: completed.unsigned_abs() })
}
