//! The SQL statements. Writes run in transactions, which exclude other writers.
//!
//! Every query starts from [`owned_by`] or writes the user's id.

mod bulk;
mod clock;
mod put;
mod read;
mod write;

use diesel::dsl::{AssumeNotNull, auto_type, case_when};
use diesel::expression::{BoxableExpression, IntoSql};
use diesel::prelude::*;
use diesel::result::{Error, QueryResult};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use todo_domain::{DueBound, Todo, TodoFilter};

use super::deadline::is_in_time;
use super::row::TodoRow;
use super::schema::todos;
use super::values::{BlobUuid, Micros};

pub(super) use bulk::{delete_matching, max_changes, update_matching};
pub(super) use clock::{begin_purge, changed_at_of, changes, clock, purge};
pub(super) use put::put;
pub(super) use read::{check_readable, count, find, list, tags};
pub(super) use write::{delete, insert, update};

#[diesel::declare_sql_function]
extern "SQL" {
    /// The later of two times.
    #[sql_name = "max"]
    fn greatest(a: BigInt, b: BigInt) -> BigInt;
    /// The earlier of two times.
    #[sql_name = "min"]
    fn least(a: BigInt, b: BigInt) -> BigInt;
    /// The same, but makes SQLite expect few such rows, and use an index to find them.
    fn unlikely(condition: Bool) -> Bool;
    /// The position of `part` in `text`, from 1 on; 0 if it does not occur.
    fn instr(text: Text, part: Text) -> Integer;
    /// The same for a nullable text.
    #[sql_name = "instr"]
    fn instr_nullable(text: Nullable<Text>, part: Text) -> Nullable<Integer>;
}

/// A condition on a row of `todos`.
type Condition<'a> = Box<dyn BoxableExpression<todos::table, Sqlite, SqlType = Bool> + 'a>;

/// The root of every query: no statement can access another user's rows.
#[auto_type(type_case = "PascalCase")]
fn owned_by(user: BlobUuid) -> _ {
    todos::table.filter(todos::user_id.eq(user))
}

/// A user's todo by id.
#[auto_type(type_case = "PascalCase")]
fn by_id(user: BlobUuid, id: BlobUuid) -> _ {
    let owned: OwnedBy = owned_by(user);
    owned.filter(todos::id.eq(id))
}

fn to_todo(row: TodoRow<'_>) -> QueryResult<Todo> {
    row.try_into().map_err(Error::DeserializationError)
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
    if !filter.priorities.is_empty() {
        let ranks = filter.priorities.iter().map(|priority| priority.rank().into());
        let ranks: Vec<i64> = ranks.collect();
        condition = Box::new(condition.and(todos::priority.eq_any(ranks)));
    }
    for tag in &filter.tags {
        let has_tag = instr(todos::tags_folded, tag.in_commas()).gt(0);
        condition = Box::new(condition.and(is_in_time()).and(has_tag));
    }
    if let Some(bound) = filter.due_before {
        condition = Box::new(condition.and(is_due_before(bound)));
    }
    if let Some(bound) = filter.due_after {
        condition = Box::new(condition.and(is_due_after(bound)));
    }
    if let Some(has_due) = filter.has_due {
        condition = if has_due {
            Box::new(condition.and(todos::due_at.is_not_null()))
        } else {
            Box::new(condition.and(unlikely(todos::due_at.is_null())))
        };
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

/// Whether a row is due before the moment of [`DueBound::before`].
fn is_due_before(bound: DueBound) -> Condition<'static> {
    let (dates, instants) = (bound.of(true), bound.of(false));
    let is_before = case_when(todos::due_is_date, due_at().lt(Micros(dates)))
        .otherwise(due_at().lt(Micros(instants)));
    // The first condition can use an index.
    Box::new(due_at().lt(Micros(dates.max(instants))).and(is_before))
}

/// Whether a row is due after the moment of [`DueBound::after`].
fn is_due_after(bound: DueBound) -> Condition<'static> {
    let (dates, instants) = (bound.of(true), bound.of(false));
    let is_after = case_when(todos::due_is_date, due_at().ge(Micros(dates)))
        .otherwise(due_at().ge(Micros(instants)));
    Box::new(due_at().ge(Micros(dates.min(instants))).and(is_after))
}

/// When a row is due. A comparison with null is not true, so it may count as false.
fn due_at() -> AssumeNotNull<todos::due_at> {
    todos::due_at.assume_not_null()
}
