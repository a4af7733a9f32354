//! The SQL statements: one per call, or one for several calls. Each is atomic by itself.
//!
//! Every query starts from [`owned_by`] or [`owned_by_each`], or writes the user's id. A write that changes nothing is
//! followed by a query that finds out why. If that is not a reason, another write came first: the function returns `None`,
//! and is called again, in a transaction that holds the clock.

mod bulk;
mod clock;
mod put;
mod read;
mod write;

use chrono::{DateTime, Utc};
use diesel::dsl::{AssumeNotNull, auto_type, case_when};
use diesel::expression::{BoxableExpression, IntoSql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::{Error, QueryResult};
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz};
use todo_domain::{DueBound, NewTodo, PageQuery, Todo, TodoFilter, TodoId, UserId, VersionMatch};
use uuid::Uuid;

use super::row::TodoRow;
use super::schema::todos;
use crate::sql::batch_user;

pub(super) use bulk::{delete_matching, max_changes, update_matching};
pub(super) use clock::{begin_purge, changed_at_of, changes, clock, lock_clock, purge};
pub(super) use put::put;
pub(super) use read::{check_readable, count, find, find_all, list, list_all, tags};
pub(super) use write::{delete, insert, insert_all, update};

#[diesel::declare_sql_function]
extern "SQL" {
    /// The later of two times.
    fn greatest(a: Timestamptz, b: Timestamptz) -> Timestamptz;
    /// The position of `part` in `text`, from 1 on; 0 if it does not occur.
    fn strpos(text: Text, part: Text) -> Integer;
    /// The same for a nullable text.
    #[sql_name = "strpos"]
    fn strpos_nullable(text: Nullable<Text>, part: Text) -> Nullable<Integer>;
}

/// The parameters of an insertion.
pub(super) struct Insert {
    pub(super) user: UserId,
    pub(super) todo: NewTodo,
    pub(super) quota: Option<u32>,
    pub(super) now: DateTime<Utc>,
}

pub(super) type Find = (UserId, TodoId);
pub(super) type List = (UserId, PageQuery);

/// A condition on a row of `todos`.
type Condition<'a> = Box<dyn BoxableExpression<todos::table, Pg, SqlType = Bool> + 'a>;

/// The root of every query for one user: no statement can access another user's rows.
#[auto_type(type_case = "PascalCase")]
fn owned_by(user: Uuid) -> _ {
    todos::table.filter(todos::user_id.eq(user))
}

/// The root of every [`BatchQuery`](crate::sql::BatchQuery): for each user, only that user's rows.
fn owned_by_each<'a>() -> todos::BoxedQuery<'a, Pg> {
    todos::table.filter(todos::user_id.eq(batch_user())).into_boxed()
}

/// A user's todo by id.
#[auto_type(type_case = "PascalCase")]
fn by_id(user: Uuid, id: Uuid) -> _ {
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
        let ids = filter.ids.iter().map(|id| id.0);
        condition = Box::new(condition.and(todos::id.eq_any(ids.collect::<Vec<_>>())));
    }
    if !filter.priorities.is_empty() {
        let ranks = filter.priorities.iter().map(|priority| priority.rank().into());
        let ranks: Vec<i16> = ranks.collect();
        condition = Box::new(condition.and(todos::priority.eq_any(ranks)));
    }
    for tag in &filter.tags {
        let has_tag = strpos(todos::tags_folded, tag.in_commas()).gt(0);
        condition = Box::new(condition.and(has_tag));
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
            Box::new(condition.and(todos::due_at.is_null()))
        };
    }
    if let Some(term) = &filter.search {
        let term = term.as_folded_str();
        let in_title = strpos(todos::title_folded, term).gt(0);
        let in_description = strpos_nullable(todos::description_folded, term).gt(0);
        condition = Box::new(condition.and(in_title.or(in_description.is_not_distinct_from(true))));
    }
    condition
}

/// Whether a row's version matches.
fn has_version(versions: &VersionMatch) -> Condition<'_> {
    match versions {
        VersionMatch::Any => Box::new(true.into_sql::<Bool>()),
        VersionMatch::OneOf(versions) => Box::new(todos::version.eq_any(versions)),
        VersionMatch::NoneOf(versions) => Box::new(todos::version.ne_all(versions)),
    }
}

/// Whether a row is due before the moment of [`DueBound::before`].
fn is_due_before(bound: DueBound) -> Condition<'static> {
    let (dates, instants) = (bound.of(true), bound.of(false));
    let is_before =
        case_when(todos::due_is_date, due_at().lt(dates)).otherwise(due_at().lt(instants));
    // The first condition can use an index.
    Box::new(due_at().lt(dates.max(instants)).and(is_before))
}

/// Whether a row is due after the moment of [`DueBound::after`].
fn is_due_after(bound: DueBound) -> Condition<'static> {
    let (dates, instants) = (bound.of(true), bound.of(false));
    let is_after =
        case_when(todos::due_is_date, due_at().ge(dates)).otherwise(due_at().ge(instants));
    Box::new(due_at().ge(dates.min(instants)).and(is_after))
}

/// When a row is due. A comparison with null is not true, so it may count as false.
fn due_at() -> AssumeNotNull<todos::due_at> {
    todos::due_at.assume_not_null()
}
