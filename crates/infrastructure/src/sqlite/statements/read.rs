//! Reads.

use std::collections::BTreeMap;

use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::dsl::{count_star, not};
use diesel::expression::IntoSql;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Binary, Text};
use todo_domain::{
    DueBound, KeyValue, Listed, PageQuery, Position, Priority, SortKey, TagCount, Todo, TodoCounts,
    TodoFilter, TodoId, UserId,
};

use super::{by_id, changed_at_of, is_due_before, is_in_time, matches, owned_by, to_todo};
use crate::sql::{comes_after, list_in_parts};
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
    list_in_parts(connection, user, query, list_part, changed_at_of)
}

fn list_part(
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
        ($key:expr, $kind:ident($value:ident) => $bound:expr) => {{
            if let Some(Position { key, id }) = &query.after {
                let id = BlobUuid(id.0);
                if let KeyValue::$kind($value) = key {
                    let position = ($bound, id.into_sql::<Binary>());
                    let is_after = comes_after(($key, todos::id), descending, position);
                    // If ids are given, look these up instead of scanning the index for all todos that come after.
                    rows = rows.filter(is_after.use_index(query.filter.ids.is_empty()));
                } else if descending {
                    rows = rows.filter(todos::id.lt(id));
                } else {
                    rows = rows.filter(todos::id.gt(id));
                }
            }
            if descending {
                rows.order_by(($key.desc(), todos::id.desc()))
            } else {
                rows.order_by(($key.asc(), todos::id.asc()))
            }
        }};
    }
    let rows = match query.sort.key {
        SortKey::CreatedAt => {
            ordered_by!(todos::created_at, Time(at) => Micros(*at).into_sql::<BigInt>())
        }
        SortKey::UpdatedAt => {
            ordered_by!(todos::updated_at, Time(at) => Micros(*at).into_sql::<BigInt>())
        }
        SortKey::Due => ordered_by!(todos::due_at, Time(at) => Micros(*at).into_sql::<BigInt>()),
        SortKey::Priority => {
            ordered_by!(todos::priority, Priority(it) => i64::from(it.rank()).into_sql::<BigInt>())
        }
        SortKey::Title => {
            ordered_by!(todos::title_folded, Text(text) => text.as_str().into_sql::<Text>())
        }
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
    now: DueBound,
) -> QueryResult<TodoCounts> {
    let active_with = |priority: Priority| {
        let rank = i64::from(priority.rank());
        diesel::dsl::count(todos::id)
            .aggregate_filter(not(todos::is_completed).and(todos::priority.eq(rank)))
    };
    let [low, medium, high] = Priority::ALL.map(active_with);
    let counts: (i64, i64, i64, i64, i64, i64) = owned_by(BlobUuid(user.0))
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

pub(in crate::sqlite) fn tags(
    connection: &mut SqliteConnection,
    user: UserId,
) -> QueryResult<Vec<TagCount>> {
    let rows = owned_by(BlobUuid(user.0))
        .filter(todos::tags.ne(""))
        .filter(is_in_time())
        .select((todos::tags, todos::tags_folded))
        .load_iter::<(String, String), DefaultLoadingMode>(connection)?;
    let mut counts = BTreeMap::<String, TagCount>::new();
    for row in rows {
        let (names, folded) = row?;
        for (name, folded) in names.split(',').zip(folded.trim_matches(',').split(',')) {
            if let Some(tag) = counts.get_mut(folded) {
                tag.count += 1;
                if name < tag.name.as_str() {
                    name.clone_into(&mut tag.name);
                }
            } else {
                counts.insert(folded.to_owned(), TagCount { name: name.to_owned(), count: 1 });
                // One that is dropped does not come back: the others before it stay.
                if counts.len() > TagCount::MAX as usize {
                    counts.pop_last();
                }
            }
        }
    }
    Ok(counts.into_values().collect())
}
