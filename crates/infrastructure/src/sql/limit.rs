//! A limit that the planner knows.
//!
//! Postgres uses generic plans, and assumes that `LIMIT $1` is a tenth of all rows. For a user with very many todos it
//! might then sort them all. So the limit is part of the text. As each text is a prepared statement in each session, the
//! limit is rounded up to one of a few usual ones.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment};
use diesel::result::QueryResult;

/// One more than the usual page sizes, which tells whether there is another page. The last is for lists that are read
/// whole.
const USUAL_LIMITS: [u32; 8] = [11, 21, 26, 31, 51, 101, 201, 501];

/// A query with a limit, rounded up to the next usual one: it may return more rows than `limit`. Run it as
/// [`Cached`](super::Cached).
pub(crate) struct Limited<T> {
    pub(crate) query: T,
    pub(crate) limit: u32,
}

impl<T: Query> Query for Limited<T> {
    type SqlType = T::SqlType;
}

impl<T: QueryFragment<Pg>> QueryFragment<Pg> for Limited<T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        let usual = USUAL_LIMITS.into_iter().find(|usual| *usual >= self.limit);
        out.push_sql(" LIMIT ");
        out.push_sql(&usual.unwrap_or(self.limit).to_string());
        Ok(())
    }
}
