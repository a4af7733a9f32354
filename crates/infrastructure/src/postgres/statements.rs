//! The statements: one a call, or one for several calls, each bound to the user, each atomic on its own.
//!
//! All of them start from [`owned_by`] or [`owned_by_each`], or write the user's id. What follows a statement that
//! met another version is a read for the answer only; nothing is decided by it.

use chrono::{DateTime, Utc};
use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::dsl::{auto_type, case_when, count_star};
use diesel::expression::{BoxableExpression, IntoSql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_dsl::LoadQuery;
use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz};
use diesel::upsert::excluded;
use todo_domain::search::fold;
use todo_domain::{
    BulkOutcome, DeleteOutcome, Description, NewTodo, PageQuery, PutCondition, PutOutcome, SortKey,
    Todo, TodoCounts, TodoFilter, TodoId, TodoPatch, UpdateOutcome, UserId, VersionMatch,
};
use uuid::Uuid;

use super::deadline::{BatchVersion, first_version, is_in_time};
use super::row::{NewTodoRow, TodoRow};
use super::schema::todos;
use crate::sql::{Cached, ForEach, Limited, comes_after, its_id, its_user};

#[diesel::declare_sql_function]
extern "SQL" {
    /// The later of two moments.
    fn greatest(a: Timestamptz, b: Timestamptz) -> Timestamptz;
    /// Where a text first holds another; 0 if it does not.
    fn strpos(text: Text, part: Text) -> Integer;
    /// The same for a text that may be null.
    #[sql_name = "strpos"]
    fn strpos_nullable(text: Nullable<Text>, part: Text) -> Nullable<Integer>;
}

/// A new todo of a user, and the moment of its creation.
pub(super) type Insert = (UserId, NewTodo, DateTime<Utc>);
pub(super) type Find = (UserId, TodoId);
pub(super) type List = (UserId, PageQuery);

/// A condition on a row of `todos`.
type Condition<'a> = Box<dyn BoxableExpression<todos::table, Pg, SqlType = Bool> + 'a>;

/// The root of every query for one user: no statement reaches another user's rows.
#[auto_type(type_case = "PascalCase")]
fn owned_by(user: Uuid) -> _ {
    todos::table.filter(todos::user_id.eq(user))
}

/// The root of queries for each of many users, which reach no rows but that user's.
fn owned_by_each<'a>() -> todos::BoxedQuery<'a, Pg> {
    todos::table.filter(todos::user_id.eq(its_user())).into_boxed()
}

#[auto_type(type_case = "PascalCase")]
fn one(user: Uuid, id: Uuid) -> _ {
    let owned: OwnedBy = owned_by(user);
    owned.filter(todos::id.eq(id))
}

/// Checks that the table is there and may be read. It reads no row: after a large deletion the first one can be far
/// behind, and on Citus each is on one of many servers.
pub(super) fn check_readable(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute("SELECT version FROM todos WHERE false")
}

/// Safe to run twice: what the first run wrote is recognized.
pub(super) fn insert(
    connection: &mut PgConnection,
    (user, todo, now): &Insert,
    deadline: DateTime<Utc>,
) -> QueryResult<Todo> {
    let created = todo.clone().created(*user, *now);
    let row = NewTodoRow::new(*user, todo, *now);
    let new = (row, todos::version.eq(first_version(deadline)));
    match diesel::insert_into(todos::table).values(new).execute(connection) {
        Err(error @ Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            if find(connection, &(*user, todo.id))?.as_ref() == Some(&created) {
                Ok(created)
            } else {
                Err(error)
            }
        }
        result => result.map(|_| created),
    }
}

/// All of them or none.
pub(super) fn insert_all(
    connection: &mut PgConnection,
    new: &[&Insert],
    deadline: DateTime<Utc>,
) -> QueryResult<Vec<Todo>> {
    // Checked once for the statement: each check costs time.
    let mut deadline = Some(deadline);
    let rows = new.iter().map(|(user, todo, now)| {
        let version = BatchVersion::new(deadline.take());
        (NewTodoRow::new(*user, todo, *now), todos::version.eq(version))
    });
    let rows: Vec<_> = rows.collect();
    Cached(diesel::insert_into(todos::table).values(rows)).execute(connection)?;
    Ok(new.iter().map(|(user, todo, now)| todo.clone().created(*user, *now)).collect())
}

pub(super) fn find(connection: &mut PgConnection, (user, id): &Find) -> QueryResult<Option<Todo>> {
    let row = one(user.0, id.0).select(TodoRow::as_select()).first(connection).optional()?;
    row.map(todo).transpose()
}

/// What [`find`] finds for each.
pub(super) fn find_all(
    connection: &mut PgConnection,
    wanted: &[&Find],
) -> QueryResult<Vec<Option<Todo>>> {
    let (users, ids) = wanted.iter().map(|(user, id)| (user.0, id.0)).unzip();
    let query = owned_by_each().filter(todos::id.eq(its_id())).select(TodoRow::as_select());
    let query = Limited { query, limit: 1 };
    let found = load_for_each(connection, ForEach { users, ids, query })?;
    Ok(found.into_iter().map(|mut todos| todos.pop()).collect())
}

pub(super) fn list(connection: &mut PgConnection, (user, query): &List) -> QueryResult<Vec<Todo>> {
    let rows = page(owned_by(user.0).into_boxed(), query).select(TodoRow::as_select());
    let rows = Cached(Limited { query: rows, limit: query.limit });
    let rows = rows.load_iter::<TodoRow, DefaultLoadingMode>(connection)?;
    rows.take(query.limit as usize).map(|row| todo(row?)).collect()
}

/// What [`list`] lists for each, if all want the same page of their own todos.
pub(super) fn list_all(
    connection: &mut PgConnection,
    wanted: &[&List],
) -> QueryResult<Vec<Vec<Todo>>> {
    let Some((_, page_query)) = wanted.first() else { return Ok(Vec::new()) };
    let users = wanted.iter().map(|(user, _)| user.0).collect();
    let rows = page(owned_by_each(), page_query).select(TodoRow::as_select());
    let query = Limited { query: rows, limit: page_query.limit };
    let mut lists = load_for_each(connection, ForEach { users, ids: Vec::new(), query })?;
    let sort = page_query.sort;
    for list in &mut lists {
        // Each was read in order, but a join promises none.
        list.sort_by(|a, b| sort.compare(sort.position_of(a), sort.position_of(b)));
        list.truncate(page_query.limit as usize);
    }
    Ok(lists)
}

fn load_for_each<'q, Q>(
    connection: &'q mut PgConnection,
    query: ForEach<Q>,
) -> QueryResult<Vec<Vec<Todo>>>
where
    Cached<ForEach<Q>>: LoadQuery<'q, PgConnection, (TodoRow, i64)>,
{
    let mut todos = vec![Vec::new(); query.users.len()];
    for (row, number) in Cached(query).load(connection)? {
        let place = usize::try_from(number - 1).ok().and_then(|index| todos.get_mut(index));
        if let Some(place) = place {
            place.push(todo(row)?);
        }
    }
    Ok(todos)
}

/// Of a user's todos those of a page and those after it, in order.
fn page<'a>(owned: todos::BoxedQuery<'a, Pg>, query: &'a PageQuery) -> todos::BoxedQuery<'a, Pg> {
    let mut rows = owned.filter(matches(&query.filter));
    let descending = query.sort.descending;
    macro_rules! ordered_by {
        ($key:expr) => {{
            if let Some(after) = query.after {
                let position = (
                    after.at.into_sql::<Timestamptz>(),
                    after.id.0.into_sql::<diesel::sql_types::Uuid>(),
                );
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

pub(super) fn count(
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

pub(super) fn update(
    connection: &mut PgConnection,
    user: UserId,
    id: TodoId,
    patch: &TodoPatch,
    versions: &VersionMatch,
    now: DateTime<Utc>,
    deadline: DateTime<Utc>,
) -> QueryResult<UpdateOutcome> {
    let title = patch.title.as_ref().map(|title| {
        (todos::title.eq(title.as_str()), todos::title_folded.eq(fold(title.as_str())))
    });
    let description = patch.description.as_ref().map(|description| {
        let text = description.as_ref().map(Description::as_str);
        (todos::description.eq(text), todos::description_folded.eq(text.map(fold)))
    });
    let wanted = one(user.0, id.0).filter(is_one_of(versions)).filter(is_in_time(deadline));
    let statement = diesel::update(wanted)
        .set((
            title,
            description,
            patch.is_completed.map(|it| todos::is_completed.eq(it)),
            todos::version
                .eq(case_when(changes(patch), todos::version + 1).otherwise(todos::version)),
            todos::updated_at.eq(case_when(changes(patch), greatest(todos::updated_at, now))
                .otherwise(todos::updated_at)),
        ))
        .returning(TodoRow::as_returning());
    let updated = Cached(statement).get_result(connection).optional()?;
    if let Some(row) = updated {
        return Ok(UpdateOutcome::Updated(todo(row)?));
    }
    if *versions == VersionMatch::Any {
        return Ok(UpdateOutcome::Absent);
    }
    let current = find(connection, &(user, id))?;
    Ok(current.map_or(UpdateOutcome::Absent, UpdateOutcome::Conflict))
}

pub(super) fn put(
    connection: &mut PgConnection,
    user: UserId,
    new: &NewTodo,
    condition: &PutCondition,
    now: DateTime<Utc>,
    deadline: DateTime<Utc>,
) -> QueryResult<PutOutcome> {
    // The one that an upsert has, which is not among the prelude's.
    use diesel::query_dsl::methods::FilterDsl as _;

    let whole = TodoPatch {
        title: Some(new.title.clone()),
        description: Some(new.description.clone()),
        is_completed: Some(new.is_completed),
    };
    let row = NewTodoRow::new(user, new, now);
    let row = || (&row, todos::version.eq(first_version(deadline)));
    match condition {
        PutCondition::Always => loop {
            // A row that is just so already is left out. What is returned at version 1 then is new: the
            // databases tell no other way whether they inserted or updated.
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
                .filter(changes(&whole))
                .returning(TodoRow::as_returning());
            let written: Option<TodoRow> = Cached(statement).get_result(connection).optional()?;
            match written.map(todo).transpose()? {
                Some(todo) if todo.version == 1 => return Ok(PutOutcome::Created(todo)),
                Some(todo) => return Ok(PutOutcome::Replaced(todo)),
                None => {}
            }
            if let Some(current) = find(connection, &(user, new.id))? {
                return Ok(PutOutcome::Replaced(current));
            }
            // Removed in between: there is room for it again.
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
            Ok(match update(connection, user, new.id, &whole, versions, now, deadline)? {
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
                // Created in between: there is one to replace.
            }
        }
    }
}

pub(super) fn delete(
    connection: &mut PgConnection,
    user: UserId,
    id: TodoId,
    versions: &VersionMatch,
    deadline: DateTime<Utc>,
) -> QueryResult<DeleteOutcome> {
    let wanted = one(user.0, id.0).filter(is_one_of(versions)).filter(is_in_time(deadline));
    let deleted = diesel::delete(wanted).execute(connection)?;
    if deleted == 1 {
        return Ok(DeleteOutcome::Deleted);
    }
    if *versions == VersionMatch::Any {
        return Ok(DeleteOutcome::Absent);
    }
    let current = find(connection, &(user, id))?;
    Ok(current.map_or(DeleteOutcome::Absent, DeleteOutcome::Conflict))
}

pub(super) fn update_matching(
    connection: &mut PgConnection,
    user: UserId,
    filter: &TodoFilter,
    is_completed: bool,
    limit: u32,
    now: DateTime<Utc>,
    deadline: DateTime<Utc>,
) -> QueryResult<BulkOutcome> {
    let changed = || {
        owned_by(user.0)
            .filter(matches(filter))
            .filter(todos::is_completed.eq(!is_completed))
            .filter(is_in_time(deadline))
    };
    let first_over_limit = changed().select(todos::id).offset(limit.into());
    if first_over_limit.first::<Uuid>(connection).optional()?.is_some() {
        return Ok(BulkOutcome::TooMany { limit: limit.into() });
    }
    let count = diesel::update(changed())
        .set((
            todos::is_completed.eq(is_completed),
            todos::version.eq(todos::version + 1),
            todos::updated_at.eq(greatest(todos::updated_at, now)),
        ))
        .execute(connection)?;
    Ok(BulkOutcome::Changed(count as u64))
}

pub(super) fn delete_matching(
    connection: &mut PgConnection,
    user: UserId,
    filter: &TodoFilter,
    deadline: DateTime<Utc>,
) -> QueryResult<BulkOutcome> {
    let removed = owned_by(user.0).filter(matches(filter)).filter(is_in_time(deadline));
    let count = diesel::delete(removed).execute(connection)?;
    Ok(BulkOutcome::Changed(count as u64))
}

fn todo(row: TodoRow) -> QueryResult<Todo> {
    row.try_into().map_err(|error| Error::DeserializationError(Box::new(error)))
}

/// Whether a row matches the filter.
fn matches(filter: &TodoFilter) -> Condition<'_> {
    let mut condition: Condition<'_> = Box::new(true.into_sql::<Bool>());
    if let Some(is_completed) = filter.is_completed {
        condition = Box::new(condition.and(todos::is_completed.eq(is_completed)));
    }
    if !filter.ids.is_empty() {
        let ids = filter.ids.iter().map(|id| id.0);
        condition = Box::new(condition.and(todos::id.eq_any(ids.collect::<Vec<_>>())));
    }
    if let Some(term) = &filter.search {
        let term = term.as_folded_str();
        let in_title = strpos(todos::title_folded, term).gt(0);
        let in_description = strpos_nullable(todos::description_folded, term).gt(0);
        condition = Box::new(condition.and(in_title.or(in_description.is_not_distinct_from(true))));
    }
    condition
}

/// Whether a row has a wanted version.
fn is_one_of(versions: &VersionMatch) -> Condition<'_> {
    match versions {
        VersionMatch::Any => Box::new(true.into_sql::<Bool>()),
        VersionMatch::OneOf(versions) => Box::new(todos::version.eq_any(versions)),
        VersionMatch::NoneOf(versions) => Box::new(todos::version.ne_all(versions)),
    }
}

/// Whether the patch makes a row another than it is.
fn changes(patch: &TodoPatch) -> Condition<'_> {
    let mut condition: Condition<'_> = Box::new(false.into_sql::<Bool>());
    if let Some(title) = &patch.title {
        condition = Box::new(condition.or(todos::title.ne(title.as_str())));
    }
    if let Some(description) = &patch.description {
        let text = description.as_ref().map(Description::as_str);
        condition = Box::new(condition.or(todos::description.is_distinct_from(text)));
    }
    if let Some(is_completed) = patch.is_completed {
        condition = Box::new(condition.or(todos::is_completed.ne(is_completed)));
    }
    condition
}
