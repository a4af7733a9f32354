//! Statements that Diesel would prepare anew at each call.
//!
//! It never keeps an UPDATE, nor an INSERT with ON CONFLICT DO UPDATE, because their text may vary from call to
//! call. Ours vary in a handful of ways, and are kept by their text: a lookup instead of parsing and planning.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Whether the connections of a pool keep their statements prepared.
#[derive(Debug, Clone)]
pub(crate) struct StatementReuse {
    is_on: Arc<AtomicBool>,
    is_fixed: bool,
}

impl StatementReuse {
    /// As it was found, or told, for good.
    pub(crate) fn fixed(is_on: bool) -> Self {
        Self { is_on: Arc::new(AtomicBool::new(is_on)), is_fixed: true }
    }

    /// From the start, until prepared statements turn out to be lost.
    pub(crate) fn until_lost() -> Self {
        Self { is_on: Arc::new(AtomicBool::new(true)), is_fixed: false }
    }

    /// Whether a connection that is opened now does.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::SeqCst)
    }

    /// Has no connection do so that is opened from now on. Says whether that may be.
    pub(crate) fn switch_off(&self) -> bool {
        if !self.is_fixed && self.is_on.swap(false, Ordering::SeqCst) {
            tracing::warn!(
                "prepared statements got lost or mixed up: a pooler has come between. Statements are no longer \
                 kept prepared until the next start"
            );
        }
        !self.is_fixed
    }
}
