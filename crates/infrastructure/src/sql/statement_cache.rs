//! Caching prepared statements that Diesel does not cache.
//!
//! Diesel never caches an UPDATE, nor an INSERT with ON CONFLICT DO UPDATE, because their text may differ from call to
//! call. Ours have only a handful of texts, and are cached by their text, which saves parsing and planning.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::result::QueryResult;

/// A statement that is cached by its text: each connection prepares each text once.
pub(crate) struct Cached<T>(pub(crate) T);

impl<T: Query> Query for Cached<T> {
    type SqlType = T::SqlType;
}

impl<T> QueryId for Cached<T> {
    type QueryId = ();
    // Makes Diesel use the text as the cache key.
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

/// Whether the connections of a pool cache prepared statements.
#[derive(Debug, Clone)]
pub(crate) struct StatementCacheState {
    is_enabled: Arc<AtomicBool>,
    is_fixed: bool,
}

impl StatementCacheState {
    /// On or off, permanently.
    pub(crate) fn fixed(is_enabled: bool) -> Self {
        Self { is_enabled: Arc::new(AtomicBool::new(is_enabled)), is_fixed: true }
    }

    /// On until a prepared statement is missing in its session.
    pub(crate) fn until_lost() -> Self {
        Self { is_enabled: Arc::new(AtomicBool::new(true)), is_fixed: false }
    }

    /// Whether a connection that is opened now caches statements.
    pub(crate) fn is_enabled(&self) -> bool {
        self.is_enabled.load(Ordering::SeqCst)
    }

    /// Disables the cache for connections that are opened from now on, unless the setting is permanent. Returns whether
    /// it is not.
    pub(crate) fn disable(&self) -> bool {
        if !self.is_fixed && self.is_enabled.swap(false, Ordering::SeqCst) {
            tracing::warn!(
                "prepared statements got lost or mixed up: a pooler now shares the sessions. The statement cache is \
                 disabled until the next start"
            );
        }
        !self.is_fixed
    }
}
