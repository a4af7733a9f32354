//! Statements that Diesel would prepare anew at each call.
//!
//! It never keeps an UPDATE, nor an INSERT with ON CONFLICT DO UPDATE, because their text may vary from call to
//! call. Ours vary in a handful of ways, and are kept by their text: a lookup instead of parsing and planning.

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::result::QueryResult;

/// A statement that is prepared once per connection for each text that it has.
pub(crate) struct Cached<T>(pub(crate) T);

impl<T: Query> Query for Cached<T> {
    type SqlType = T::SqlType;
}

impl<T> QueryId for Cached<T> {
    type QueryId = ();
    // So it is found by its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T, Connection> RunQueryDsl<Connection> for Cached<T> {}

impl<T: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Cached<T> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}
