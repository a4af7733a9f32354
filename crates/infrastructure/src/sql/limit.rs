//! A limit that the planner can see.
//!
//! Statements are planned once for all values, and of `LIMIT $1` Postgres would expect a tenth of all rows: for a user
//! with very many it might come to sort them. So the limit is a part of the text; a usual one, for each text is kept
//! prepared in each session.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment};
use diesel::result::QueryResult;

/// One more than the usual sizes of pages, to know whether there is another; the last for lists that are read whole.
const USUAL: [u32; 8] = [11, 21, 26, 31, 51, 101, 201, 501];

/// A query of at least so many rows, if there are as many; at most of the next usual number. To be run as
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
        let usual = USUAL.into_iter().find(|usual| *usual >= self.limit);
        out.push_sql(" LIMIT ");
        out.push_sql(&usual.unwrap_or(self.limit).to_string());
        Ok(())
    }
}
