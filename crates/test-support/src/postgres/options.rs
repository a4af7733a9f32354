//! How a cluster of one's own differs from the shared one.

/// Settings and files of a cluster that is not shared. The default is as fast as can be,
/// and loses everything in a power failure.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    pub(super) settings: Vec<(String, String)>,
    pub(super) files: Vec<(String, Vec<u8>)>,
}

impl ClusterOptions {
    /// A setting of `postgresql.conf`, such as `fsync` to `on`; the last one counts.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A file in the data directory that only the server may read, such as `server.key`, or
    /// `pg_hba.conf` instead of the one that lets everybody in.
    #[must_use]
    pub fn file(mut self, name: &str, contents: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), contents.into()));
        self
    }
}

/// What makes a cluster fast and small. Shared memory that is not in the data directory
/// would outlive a cluster that is killed, hence `mmap`.
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
