//! One query for the calls of many users.

use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Nullable, Timestamptz, Uuid};

/// Runs a query once for each user, as a lateral join. Each row has two more columns: the number of the call that it
/// belongs to, from 1 on, and when the user's todos last changed. In the query, [`batch_user`] stands for the user and
/// [`batch_id`] for the id.
///
/// The query must have a limit: then Postgres does not flatten it into the join, and runs it once per user. The text is
/// the same for any number of users, so run it as [`Cached`](super::Cached).
pub(crate) struct BatchQuery<Q> {
    pub(crate) users: Vec<uuid::Uuid>,
    /// One for each user, or none.
    pub(crate) ids: Vec<uuid::Uuid>,
    /// Whether to look up when the users' todos last changed. Else the column is null.
    pub(crate) with_clocks: bool,
    pub(crate) query: Q,
}

pub(crate) fn batch_user() -> SqlLiteral<Uuid> {
    diesel::dsl::sql("wanted.user_id")
}

pub(crate) fn batch_id() -> SqlLiteral<Uuid> {
    diesel::dsl::sql("wanted.id")
}

impl<Q: Query> Query for BatchQuery<Q> {
    type SqlType = (Q::SqlType, BigInt, Nullable<Timestamptz>);
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for BatchQuery<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let changed_at = if self.with_clocks { "clock.changed_at" } else { "NULL::timestamptz" };
        out.push_sql(&format!("SELECT found.*, wanted.number, {changed_at} FROM unnest("));
        out.push_bind_param::<Array<Uuid>, _>(&self.users)?;
        out.push_sql("::uuid[], ");
        out.push_bind_param::<Array<Uuid>, _>(&self.ids)?;
        out.push_sql("::uuid[]) WITH ORDINALITY AS wanted (user_id, id, number) ");
        if self.with_clocks {
            out.push_sql("LEFT JOIN user_clocks AS clock ON clock.user_id = wanted.user_id ");
        }
        out.push_sql("CROSS JOIN LATERAL (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(") AS found");
        Ok(())
    }
}
