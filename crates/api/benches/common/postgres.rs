//! Durable clusters.

use todo_test_support::postgres::ClusterOptions;

/// Options as in production: committed data survives a power failure.
pub(crate) fn durable() -> ClusterOptions {
    ["fsync", "synchronous_commit", "full_page_writes"]
        .into_iter()
        .fold(ClusterOptions::default(), |options, name| options.setting(name, "on"))
        .setting("shared_buffers", "512MB")
        .setting("max_wal_size", "4GB")
}
