//! Options of a cluster that a test does not share.

/// Settings and files of a cluster that is not shared. The default is optimized for speed, and
/// loses all data in a power failure.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    pub(super) settings: Vec<(String, String)>,
    pub(super) files: Vec<(String, Vec<u8>)>,
}

impl ClusterOptions {
    /// Adds a setting of `postgresql.conf`, such as `fsync` = `on`; the last one wins.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a file in the data directory that only the server can read, such as `server.key`, or
    /// a `pg_hba.conf` that replaces the one that accepts everyone.
    #[must_use]
    pub fn file(mut self, name: &str, contents: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), contents.into()));
        self
    }
}

/// Settings that make a cluster fast and small. Shared memory outside the data directory would
/// outlive a killed cluster, hence `mmap`.
pub(super) const SETTINGS: [(&str, &str); 14] = [
    ("listen_addresses", "127.0.0.1"),
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_wal_size", "128MB"),
    ("max_connections", "300"),
    ("shared_buffers", "64MB"),
    ("dynamic_shared_memory_type", "mmap"),
    ("autovacuum", "off"),
    ("jit", "off"),
    ("log_line_prefix", "%m [%p] %d "),
    ("logging_collector", "off"),
];
