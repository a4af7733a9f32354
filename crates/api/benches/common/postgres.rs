//! Clusters that lose nothing.

use todo_test_support::postgres::ClusterOptions;

/// Options as one would run it: what was committed survives a power failure.
pub(crate) fn durable() -> ClusterOptions {
    ["fsync", "synchronous_commit", "full_page_writes"]
        .into_iter()
        .fold(ClusterOptions::default(), |options, name| options.setting(name, "on"))
        .setting("shared_buffers", "512MB")
        .setting("max_wal_size", "4GB")
}
