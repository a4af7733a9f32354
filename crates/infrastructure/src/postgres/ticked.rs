//! Writes that set the clocks of their owners, as one statement with CTEs, which Diesel lacks.
//!
//! The row of an owner's clock is locked first, and until the commit. So the writes of one owner run one after another,
//! whichever server they come from, become visible in the order of their times, and cannot deadlock. The statement sees
//! the todos as they were when it began, before it waited for the lock. So it only writes if nobody has set the clock
//! since. Else it does nothing, and is repeated in a transaction that locks the clock before.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::{Expression, SqlLiteral};
use diesel::insertable::InsertValues;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment};
use diesel::result::QueryResult;
use diesel::sql_types::{self, Array, Bool, Timestamptz};
use todo_domain::UserId;
use uuid::Uuid;

use super::calls::MAX_BATCH;
use super::deadline::{IsInTime, is_in_time};
use super::schema::todos;
use crate::sql::Assignments;

/// One attempt of a write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    /// The time of the change. If the owner's clock is not behind it, the attempt does nothing.
    pub(super) now: DateTime<Utc>,
    /// If the server receives the statement later, by its clock, it fails.
    pub(super) deadline: DateTime<Utc>,
    /// Whether it runs in a transaction that has locked the clock.
    pub(super) holds_clock: bool,
}

/// A statement that writes only if it can set the clocks of the owners. It refers to the CTE `ticks`, which has the
/// `user_id` of each clock that was set, as by [`is_ticked`].
pub(super) struct Ticked<'a, S> {
    users: Vec<Uuid>,
    times: Vec<DateTime<Utc>>,
    /// Whether an owner may have several changes, of which the time of the clock is the last.
    is_batch: bool,
    is_in_time: IsInTime,
    condition: Option<Box<dyn QueryFragment<Pg> + 'a>>,
    statement: S,
}

impl<'a, S> Ticked<'a, S> {
    /// A write of one owner, if a condition holds: that the statement will change something.
    pub(super) fn when(
        condition: impl QueryFragment<Pg> + 'a,
        user: UserId,
        attempt: Attempt,
        statement: S,
    ) -> Self {
        let Attempt { now, deadline, .. } = attempt;
        let condition: Box<dyn QueryFragment<Pg>> = Box::new(condition);
        let (users, times) = (vec![user.0], vec![now]);
        let is_in_time = is_in_time(deadline);
        Self { users, times, is_batch: false, is_in_time, condition: Some(condition), statement }
    }

    /// A write that changes something in any case. Each owner occurs once, with the time of the last change. In a batch,
    /// the others are at most [`MAX_BATCH`] microseconds earlier.
    pub(super) fn always(
        clocks: impl IntoIterator<Item = (Uuid, DateTime<Utc>)>,
        is_batch: bool,
        deadline: DateTime<Utc>,
        statement: S,
    ) -> Self {
        let (users, times) = clocks.into_iter().unzip();
        let is_in_time = is_in_time(deadline);
        Self { users, times, is_batch, is_in_time, condition: None, statement }
    }
}

/// Whether the clock of the only owner was set.
pub(super) fn is_ticked() -> SqlLiteral<Bool> {
    sql("EXISTS (SELECT FROM ticks)")
}

impl<S: Query> Query for Ticked<'_, S> {
    type SqlType = S::SqlType;
}

impl<S: QueryFragment<Pg>> QueryFragment<Pg> for Ticked<'_, S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH ticks AS (");
        match (&self.condition, &self.users[..], &self.times[..]) {
            (Some(condition), [user], [time]) => {
                self.push_update(&**condition, user, time, &mut out)?;
            }
            _ => self.push_upsert(&mut out)?,
        }
        out.push_sql(" RETURNING user_id) ");
        self.statement.walk_ast(out)
    }
}

impl<S> Ticked<'_, S> {
    /// Sets the clock of the only owner, if it has one: an UPDATE takes less time than an upsert.
    fn push_update<'b>(
        &'b self,
        condition: &'b (dyn QueryFragment<Pg> + 'b),
        user: &'b Uuid,
        time: &'b DateTime<Utc>,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        out.push_sql("UPDATE user_clocks SET changed_at = ");
        out.push_bind_param::<Timestamptz, _>(time)?;
        out.push_sql(" WHERE user_id = ");
        out.push_bind_param::<sql_types::Uuid, _>(user)?;
        out.push_sql(" AND changed_at < ");
        out.push_bind_param::<Timestamptz, _>(time)?;
        // After it has waited for a lock, the row is compared with what the statement saw before.
        out.push_sql(" AND changed_at = (SELECT changed_at FROM user_clocks WHERE user_id = ");
        out.push_bind_param::<sql_types::Uuid, _>(user)?;
        out.push_sql(") AND ");
        self.is_in_time.walk_ast(out.reborrow())?;
        out.push_sql(" AND ");
        condition.walk_ast(out.reborrow())
    }

    /// Sets the clocks of all owners.
    fn push_upsert<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO user_clocks AS clock (user_id, changed_at) SELECT ");
        if let ([user], [time]) = (&self.users[..], &self.times[..]) {
            out.push_bind_param::<sql_types::Uuid, _>(user)?;
            out.push_sql(", ");
            out.push_bind_param::<Timestamptz, _>(time)?;
        } else {
            out.push_sql("* FROM unnest(");
            out.push_bind_param::<Array<sql_types::Uuid>, _>(&self.users)?;
            out.push_sql(", ");
            out.push_bind_param::<Array<Timestamptz>, _>(&self.times)?;
            out.push_sql(") AS new (user_id, changed_at)");
        }
        out.push_sql(" WHERE ");
        self.is_in_time.walk_ast(out.reborrow())?;
        // All servers lock the rows of several owners in the same order.
        out.push_sql(
            " ORDER BY 1 ON CONFLICT (user_id) DO UPDATE SET changed_at = excluded.changed_at \
             WHERE clock.changed_at < excluded.changed_at",
        );
        if self.is_batch {
            out.push_sql(&format!(" - interval '{MAX_BATCH} microseconds'"));
        }
        Ok(())
    }
}

/// An INSERT of todos of owners whose clocks were set. It can be an upsert.
pub(super) struct InsertTodos<'a, V, R> {
    /// At least one.
    pub(super) rows: Vec<V>,
    /// What to set in a todo that exists.
    pub(super) upsert: Option<&'a Assignments<'a, todos::table, Pg>>,
    pub(super) returning: R,
}

impl<V, R: Expression> Query for InsertTodos<'_, V, R> {
    type SqlType = R::SqlType;
}

impl<V, R> QueryFragment<Pg> for InsertTodos<'_, V, R>
where
    V: InsertValues<Pg, todos::table>,
    R: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some(first) = self.rows.first() else { return Ok(()) };
        out.push_sql("INSERT INTO todos (");
        first.column_names(out.reborrow())?;
        out.push_sql(") SELECT * FROM (");
        for (index, row) in self.rows.iter().enumerate() {
            out.push_sql(if index > 0 { " UNION ALL SELECT " } else { "SELECT " });
            row.walk_ast(out.reborrow())?;
        }
        out.push_sql(") AS new (");
        first.column_names(out.reborrow())?;
        out.push_sql(") WHERE new.user_id IN (SELECT user_id FROM ticks)");
        if let Some(assignments) = self.upsert {
            out.push_sql(" ON CONFLICT (user_id, id) DO UPDATE SET ");
            assignments.walk_ast(out.reborrow())?;
            out.push_sql(
                ", version = todos.version + 1, \
                 updated_at = greatest(todos.updated_at, excluded.updated_at)",
            );
        }
        out.push_sql(" RETURNING ");
        self.returning.walk_ast(out)
    }
}

/// A DELETE of todos, with `RETURNING user_id, id, version, created_at`, that leaves tombstones.
pub(super) struct Bury<D> {
    pub(super) delete: D,
    pub(super) now: DateTime<Utc>,
}

impl<D: QueryFragment<Pg>> QueryFragment<Pg> for Bury<D> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(", deleted AS (");
        self.delete.walk_ast(out.reborrow())?;
        out.push_sql(
            ") INSERT INTO tombstones (user_id, id, version, created_at, deleted_at) \
             SELECT user_id, id, version, created_at, ",
        );
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        // The release before leaves the tombstone when it makes a todo anew.
        out.push_sql(
            " FROM deleted ON CONFLICT (user_id, id) DO UPDATE SET version = excluded.version, \
             created_at = excluded.created_at, deleted_at = excluded.deleted_at",
        );
        Ok(())
    }
}
