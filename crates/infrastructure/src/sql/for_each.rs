//! One query for many callers.

use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Uuid};

/// The rows of a query for each of these, and the number of the one whom a row is for, from 1 on. The query names the
/// user by [`its_user`], and by [`its_id`] the id. It must have a limit: Postgres then runs it as it stands, as often as
/// there are users. To be run as [`Cached`](super::Cached); the text is the same for however many.
pub(crate) struct ForEach<Q> {
    pub(crate) users: Vec<uuid::Uuid>,
    /// As many, or none.
    pub(crate) ids: Vec<uuid::Uuid>,
    pub(crate) query: Q,
}

pub(crate) fn its_user() -> SqlLiteral<Uuid> {
    diesel::dsl::sql("wanted.user_id")
}

pub(crate) fn its_id() -> SqlLiteral<Uuid> {
    diesel::dsl::sql("wanted.id")
}

impl<Q: Query> Query for ForEach<Q> {
    type SqlType = (Q::SqlType, BigInt);
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for ForEach<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT found.*, wanted.number FROM unnest(");
        out.push_bind_param::<Array<Uuid>, _>(&self.users)?;
        out.push_sql("::uuid[], ");
        out.push_bind_param::<Array<Uuid>, _>(&self.ids)?;
        out.push_sql(
            "::uuid[]) WITH ORDINALITY AS wanted (user_id, id, number) CROSS JOIN LATERAL (",
        );
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(") AS found");
        Ok(())
    }
}
