//! The statements: one a call, each bound to the user, each atomic on its own.
//!
//! All of them start from [`owned_by`] or write the user's id. What follows a statement that met another
//! version is a read for the answer only; nothing is decided by it.

use chrono::{DateTime, Utc};
use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::dsl::{auto_type, case_when, count_star};
use diesel::expression::{BoxableExpression, IntoSql};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::upsert::excluded;
use todo_domain::search::fold;
use todo_domain::{
    BulkOutcome, DeleteOutcome, Description, NewTodo, PageQuery, PutCondition, PutOutcome, SortKey,
    Todo, TodoCounts, TodoFilter, TodoId, TodoPatch, UpdateOutcome, UserId, VersionMatch,
};

use super::deadline::is_in_time;
use super::row::{NewTodoRow, TodoRow};
use super::schema::todos;
use super::values::{BlobUuid, Micros};
use crate::sql::{Cached, comes_after};

#[diesel::declare_sql_function]
extern "SQL" {
    /// The later of two moments.
    #[sql_name = "max"]
    fn greatest(a: BigInt, b: BigInt) -> BigInt;
    /// Where a text first holds another; 0 if it does not.
    fn instr(text: Text, part: Text) -> Integer;
    /// The same for a text that may be null.
    #[sql_name = "instr"]
    fn instr_nullable(text: Nullable<Text>, part: Text) -> Nullable<Integer>;
}

/// How many todos one call changes at most: while it does, nobody else can write.
const MAX_BULK: u32 = 100_000;

/// A condition on a row of `todos`.
type Condition<'a> = Box<dyn BoxableExpression<todos::table, Sqlite, SqlType = Bool> + 'a>;

/// The root of every query: no statement reaches another user's rows.
#[auto_type(type_case = "PascalCase")]
fn owned_by(user: BlobUuid) -> _ {
    todos::table.filter(todos::user_id.eq(user))
}

#[auto_type(type_case = "PascalCase")]
fn one(user: BlobUuid, id: BlobUuid) -> _ {
    let owned: OwnedBy = owned_by(user);
    owned.filter(todos::id.eq(id))
}

/// Reads the first row, and no page of it from this connection's memory: the file is what is asked about. Whose row
/// it is, nobody is told.
pub(super) fn check_readable(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute("PRAGMA shrink_memory")?;
    let first = todos::table.order((todos::user_id, todos::id)).select(todos::version);
    first.first::<i64>(connection).optional().map(drop)
}

/// Safe to run twice: what the first run wrote is recognized.
pub(super) fn insert(
    connection: &mut SqliteConnection,
    user: UserId,
    todo: &NewTodo,
    now: DateTime<Utc>,
) -> QueryResult<Todo> {
    let created = todo.clone().created(user, now);
    let row = NewTodoRow::new(user, todo, now);
    match diesel::insert_into(todos::table).values(row).execute(connection) {
        Err(error @ Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            if find(connection, user, todo.id)?.as_ref() == Some(&created) {
                Ok(created)
            } else {
                Err(error)
            }
        }
        result => result.map(|_| created),
    }
}

pub(super) fn find(
    connection: &mut SqliteConnection,
    user: UserId,
    id: TodoId,
) -> QueryResult<Option<Todo>> {
    let row = one(BlobUuid(user.0), BlobUuid(id.0))
        .select(TodoRow::as_select())
        .first(connection)
        .optional()?;
    row.map(todo).transpose()
}

pub(super) fn list(
    connection: &mut SqliteConnection,
    user: UserId,
    query: &PageQuery,
) -> QueryResult<Vec<Todo>> {
    let mut rows = owned_by(BlobUuid(user.0))
        .filter(matches(&query.filter))
        .select(TodoRow::as_select())
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
                // Where ids are given, they are looked up, instead of all the todos that come after.
                rows = rows.filter(is_after.by_index(query.filter.ids.is_empty()));
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
    rows.load_iter::<TodoRow, DefaultLoadingMode>(connection)?.map(|row| todo(row?)).collect()
}

pub(super) fn count(
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

pub(super) fn update(
    connection: &mut SqliteConnection,
    user: UserId,
    id: TodoId,
    patch: &TodoPatch,
    versions: &VersionMatch,
    now: DateTime<Utc>,
) -> QueryResult<UpdateOutcome> {
    let title = patch.title.as_ref().map(|title| {
        (todos::title.eq(title.as_str()), todos::title_folded.eq(fold(title.as_str())))
    });
    let description = patch.description.as_ref().map(|description| {
        let text = description.as_ref().map(Description::as_str);
        (todos::description.eq(text), todos::description_folded.eq(text.map(fold)))
    });
    let statement =
        diesel::update(one(BlobUuid(user.0), BlobUuid(id.0)).filter(is_one_of(versions)))
            .set((
                title,
                description,
                patch.is_completed.map(|it| todos::is_completed.eq(it)),
                todos::version
                    .eq(case_when(changes(patch), todos::version + 1).otherwise(todos::version)),
                todos::updated_at.eq(case_when(
                    changes(patch),
                    greatest(todos::updated_at, Micros(now)),
                )
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
    let current = find(connection, user, id)?;
    Ok(current.map_or(UpdateOutcome::Absent, UpdateOutcome::Conflict))
}

pub(super) fn put(
    connection: &mut SqliteConnection,
    user: UserId,
    new: &NewTodo,
    condition: &PutCondition,
    now: DateTime<Utc>,
) -> QueryResult<PutOutcome> {
    // The one that an upsert has, which is not among the prelude's.
    use diesel::query_dsl::methods::FilterDsl as _;

    let whole = TodoPatch {
        title: Some(new.title.clone()),
        description: Some(new.description.clone()),
        is_completed: Some(new.is_completed),
    };
    let row = NewTodoRow::new(user, new, now);
    match condition {
        PutCondition::Always => loop {
            // A row that is just so already is left out. What is returned at version 1 then is new: the
            // databases tell no other way whether they inserted or updated.
            let statement = diesel::insert_into(todos::table)
                .values(&row)
                .on_conflict((todos::user_id, todos::id))
                .do_update()
                .set((
                    todos::title.eq(excluded(todos::title)),
                    todos::description.eq(excluded(todos::description)),
                    todos::is_completed.eq(excluded(todos::is_completed)),
                    todos::title_folded.eq(excluded(todos::title_folded)),
                    todos::description_folded.eq(excluded(todos::description_folded)),
                    todos::version.eq(todos::version + 1),
                    todos::updated_at.eq(greatest(todos::updated_at, Micros(now))),
                ))
                .filter(changes(&whole))
                .returning(TodoRow::as_returning());
            let written: Option<TodoRow> = Cached(statement).get_result(connection).optional()?;
            match written.map(todo).transpose()? {
                Some(todo) if todo.version == 1 => return Ok(PutOutcome::Created(todo)),
                Some(todo) => return Ok(PutOutcome::Replaced(todo)),
                None => {}
            }
            if let Some(current) = find(connection, user, new.id)? {
                return Ok(PutOutcome::Replaced(current));
            }
            // Removed in between: there is room for it again.
        },
        PutCondition::Absent => {
            let inserted = diesel::insert_into(todos::table)
                .values(&row)
                .on_conflict((todos::user_id, todos::id))
                .do_nothing()
                .execute(connection)?;
            if inserted == 1 {
                return Ok(PutOutcome::Created(new.clone().created(user, now)));
            }
            Ok(PutOutcome::Conflict(find(connection, user, new.id)?))
        }
        PutCondition::Present(versions) => {
            Ok(match update(connection, user, new.id, &whole, versions, now)? {
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
                // Created in between: there is one to replace.
            }
        }
    }
}

pub(super) fn delete(
    connection: &mut SqliteConnection,
    user: UserId,
    id: TodoId,
    versions: &VersionMatch,
) -> QueryResult<DeleteOutcome> {
    let deleted = diesel::delete(one(BlobUuid(user.0), BlobUuid(id.0)).filter(is_one_of(versions)))
        .execute(connection)?;
    if deleted == 1 {
        return Ok(DeleteOutcome::Deleted);
    }
    if *versions == VersionMatch::Any {
        return Ok(DeleteOutcome::Absent);
    }
    let current = find(connection, user, id)?;
    Ok(current.map_or(DeleteOutcome::Absent, DeleteOutcome::Conflict))
}

pub(super) fn update_matching(
    connection: &mut SqliteConnection,
    user: UserId,
    filter: &TodoFilter,
    is_completed: bool,
    now: DateTime<Utc>,
) -> QueryResult<BulkOutcome> {
    let changed = || {
        owned_by(BlobUuid(user.0))
            .filter(matches(filter))
            .filter(todos::is_completed.eq(!is_completed))
            .filter(is_in_time())
    };
    let first_over_limit = changed().select(todos::id).offset(MAX_BULK.into());
    if first_over_limit.first::<BlobUuid>(connection).optional()?.is_some() {
        return Ok(BulkOutcome::TooMany { limit: MAX_BULK.into() });
    }
    let count = diesel::update(changed())
        .set((
            todos::is_completed.eq(is_completed),
            todos::version.eq(todos::version + 1),
            todos::updated_at.eq(greatest(todos::updated_at, Micros(now))),
        ))
        .execute(connection)?;
    Ok(BulkOutcome::Changed(count as u64))
}

pub(super) fn delete_matching(
    connection: &mut SqliteConnection,
    user: UserId,
    filter: &TodoFilter,
) -> QueryResult<BulkOutcome> {
    let removed = || owned_by(BlobUuid(user.0)).filter(matches(filter)).filter(is_in_time());
    let first_over_limit = removed().select(todos::id).offset(MAX_BULK.into());
    if first_over_limit.first::<BlobUuid>(connection).optional()?.is_some() {
        return Ok(BulkOutcome::TooMany { limit: MAX_BULK.into() });
    }
    let count = diesel::delete(removed()).execute(connection)?;
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
        let ids = filter.ids.iter().map(|id| BlobUuid(id.0));
        condition = Box::new(condition.and(todos::id.eq_any(ids.collect::<Vec<_>>())));
    }
    if let Some(term) = &filter.search {
        let term = term.as_folded_str();
        let in_title = instr(todos::title_folded, term).gt(0);
        let in_description = instr_nullable(todos::description_folded, term).gt(0);
        let is_found = in_title.or(in_description.is(true));
        condition = Box::new(condition.and(is_in_time()).and(is_found));
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
        condition = Box::new(condition.or(todos::description.is_not(text)));
    }
    if let Some(is_completed) = patch.is_completed {
        condition = Box::new(condition.or(todos::is_completed.ne(is_completed)));
    }
    condition
}
