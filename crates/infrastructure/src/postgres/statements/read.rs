//! Reads.

use chrono::{DateTime, Utc};
use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::dsl::{count_star, not};
use diesel::expression::IntoSql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_dsl::LoadQuery;
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, SmallInt, Text, Timestamptz, Uuid};
use todo_domain::{
    DueBound, KeyValue, Listed, PageQuery, Position, Priority, SortKey, TagCount, Todo, TodoCounts,
    TodoFilter, UserId,
};

use super::clock::{NEVER, clock_after};
use super::{
    Find, List, by_id, changed_at_of, is_due_before, matches, owned_by, owned_by_each, to_todo,
};
use crate::postgres::row::TodoRow;
use crate::postgres::schema::{todos, user_clocks};
use crate::sql::{BatchQuery, Cached, Limited, batch_id, comes_after, list_in_parts};

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
    let found = load_batch(connection, BatchQuery { users, ids, with_clocks: false, query })?;
    Ok(found.into_iter().map(|mut found| found.todos.pop()).collect())
}

pub(in crate::postgres) fn list(
    connection: &mut PgConnection,
    (user, query): &List,
) -> QueryResult<Listed> {
    list_in_parts(connection, *user, query, list_part, changed_at_of)
}

fn list_part(
    connection: &mut PgConnection,
    user: UserId,
    query: &PageQuery,
) -> QueryResult<Listed> {
    let clock = clock_after(user.0, NEVER).select(user_clocks::changed_at).single_value();
    let rows = page(owned_by(user.0).into_boxed(), query).select((TodoRow::as_select(), clock));
    let rows = Cached(Limited { query: rows, limit: query.limit });
    let rows = rows.load_iter::<(TodoRow, _), DefaultLoadingMode>(connection)?;
    let mut listed = Listed::default();
    for row in rows.take(query.limit as usize) {
        let (row, changed_at) = row?;
        listed.changed_at = changed_at;
        listed.todos.push(to_todo(row)?);
    }
    Ok(listed)
}

/// [`list`] for several calls, as one statement. All must request the same page, of their own todos.
pub(in crate::postgres) fn list_all(
    connection: &mut PgConnection,
    requests: &[&List],
) -> QueryResult<Vec<Listed>> {
    let Some((_, page_query)) = requests.first() else { return Ok(Vec::new()) };
    let users = requests.iter().map(|(user, _)| user.0).collect();
    let rows = page(owned_by_each(), page_query).select(TodoRow::as_select());
    let query = Limited { query: rows, limit: page_query.limit };
    let batch = BatchQuery { users, ids: Vec::new(), with_clocks: true, query };
    let mut lists = load_batch(connection, batch)?;
    let sort = page_query.sort;
    for (listed, request) in lists.iter_mut().zip(requests) {
        if listed.todos.is_empty() {
            *listed = list(connection, request)?;
        }
        // Each list was read in order, but a join does not guarantee the order of its rows.
        listed.todos.sort_by(|a, b| sort.compare(&sort.position_of(a), &sort.position_of(b)));
        listed.todos.truncate(page_query.limit as usize);
    }
    Ok(lists)
}

/// Loads the rows of each call.
fn load_batch<'q, Q>(
    connection: &'q mut PgConnection,
    query: BatchQuery<Q>,
) -> QueryResult<Vec<Listed>>
where
    Cached<BatchQuery<Q>>:
        LoadQuery<'q, PgConnection, (TodoRow<'static>, i64, Option<DateTime<Utc>>)>,
{
    let mut lists = vec![Listed::default(); query.users.len()];
    for (row, number, changed_at) in Cached(query).load(connection)? {
        let of_call = usize::try_from(number - 1).ok().and_then(|index| lists.get_mut(index));
        if let Some(of_call) = of_call {
            of_call.todos.push(to_todo(row)?);
            of_call.changed_at = changed_at;
        }
    }
    Ok(lists)
}

/// The todos of a page and all after it, in order.
fn page<'a>(owned: todos::BoxedQuery<'a, Pg>, query: &'a PageQuery) -> todos::BoxedQuery<'a, Pg> {
    let mut rows = owned.filter(matches(&query.filter));
    let descending = query.sort.descending;
    macro_rules! ordered_by {
        ($key:expr, $kind:ident($value:ident) => $bound:expr) => {{
            if let Some(Position { key, id }) = &query.after {
                if let KeyValue::$kind($value) = key {
                    let position = ($bound, id.0.into_sql::<Uuid>());
                    rows = rows.filter(comes_after(($key, todos::id), descending, position));
                } else if descending {
                    rows = rows.filter(todos::id.lt(id.0));
                } else {
                    rows = rows.filter(todos::id.gt(id.0));
                }
            }
            if descending {
                rows.order_by(($key.desc(), todos::id.desc()))
            } else {
                rows.order_by(($key.asc(), todos::id.asc()))
            }
        }};
    }
    match query.sort.key {
        SortKey::CreatedAt => {
            ordered_by!(todos::created_at, Time(at) => at.into_sql::<Timestamptz>())
        }
        SortKey::UpdatedAt => {
            ordered_by!(todos::updated_at, Time(at) => at.into_sql::<Timestamptz>())
        }
        SortKey::Due => ordered_by!(todos::due_at, Time(at) => at.into_sql::<Timestamptz>()),
        SortKey::Priority => {
            ordered_by!(todos::priority, Priority(it) => i16::from(it.rank()).into_sql::<SmallInt>())
        }
        SortKey::Title => {
            ordered_by!(todos::title_folded, Text(text) => text.as_str().into_sql::<Text>())
        }
    }
}

pub(in crate::postgres) fn count(
    connection: &mut PgConnection,
    user: UserId,
    filter: &TodoFilter,
    now: DueBound,
) -> QueryResult<TodoCounts> {
    let active_with = |priority: Priority| {
        let rank = i16::from(priority.rank());
        diesel::dsl::count(todos::id)
            .aggregate_filter(not(todos::is_completed).and(todos::priority.eq(rank)))
    };
    let [low, medium, high] = Priority::ALL.map(active_with);
    let counts: (i64, i64, i64, i64, i64, i64) = owned_by(user.0)
        .filter(matches(filter))
        .select((
            count_star(),
            diesel::dsl::count(todos::id).aggregate_filter(todos::is_completed),
            diesel::dsl::count(todos::id)
                .aggregate_filter(not(todos::is_completed).and(is_due_before(now))),
            low,
            medium,
            high,
        ))
        .first(connection)?;
    let (total, completed, overdue, low, medium, high) = counts;
    Ok(TodoCounts {
        total: total.unsigned_abs(),
        completed: completed.unsigned_abs(),
        overdue: overdue.unsigned_abs(),
        active_by_priority: [low, medium, high].map(i64::unsigned_abs),
    })
}

/// One aggregate of the owner's rows.
const TAGS: &str = "SELECT min(name COLLATE \"C\") AS name, count(*) AS count FROM (\
    SELECT unnest(string_to_array(tags, ',')) AS name, \
    unnest(string_to_array(btrim(tags_folded, ','), ',')) AS folded \
    FROM todos WHERE user_id = $1 AND tags <> '') AS tag \
    GROUP BY folded ORDER BY folded COLLATE \"C\" LIMIT $2";

#[derive(QueryableByName)]
struct TagRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

pub(in crate::postgres) fn tags(
    connection: &mut PgConnection,
    user: UserId,
) -> QueryResult<Vec<TagCount>> {
    let rows: Vec<TagRow> = diesel::sql_query(TAGS)
        .bind::<Uuid, _>(user.0)
        .bind::<BigInt, _>(i64::from(TagCount::MAX))
        .load(connection)?;
    let tag = |TagRow { name, count }| TagCount { name, count: count.unsigned_abs() };
    Ok(rows.into_iter().map(tag).collect())
}
