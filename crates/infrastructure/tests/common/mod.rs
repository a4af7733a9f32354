//! What all suites share.

use std::time::Duration;

use todo_infrastructure::{DatabaseOptions, StatementCache};

/// Options with generous time limits, which only end a hang.
pub(crate) const OPTIONS: DatabaseOptions = DatabaseOptions {
    pool_size: 4,
    timeout: Duration::from_secs(60),
    bulk_timeout: Duration::from_secs(60),
    queue_capacity: 1_000,
    statement_cache: StatementCache::Auto,
    migrate_on_start: true,
    migrate_timeout: Duration::from_secs(60),
};
