//! How a database is used, and why it could not be opened.

use std::time::Duration;

use diesel::result::ConnectionError;
use thiserror::Error;

/// How a database is used.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseOptions {
    /// Connections, and threads that use them.
    pub pool_size: u32,
    /// How long a call may take in all: waiting for a thread, for a connection, and for the statement.
    pub timeout: Duration,
    /// The same for a call that changes many todos.
    pub bulk_timeout: Duration,
    /// Calls that may wait for a thread; one more is refused at once.
    pub queue_capacity: usize,
    /// Whether Postgres keeps prepared statements.
    pub statement_cache: StatementCache,
    /// Whether pending migrations are applied first; if not, they are an error.
    pub migrate_on_start: bool,
    /// How long they may wait for another copy that migrates, and for locks of others.
    pub migrate_timeout: Duration,
}

/// Whether statements are prepared once per connection (Postgres only; SQLite always does).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementCache {
    /// Where sessions are found to be ours alone, and not behind a pooler that shares them.
    Auto,
    /// Always. Behind such a pooler one client's statement can be executed as another's.
    On,
    /// Never.
    Off,
}

/// Why a database could not be opened. No text holds a password.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It is not there, or lets us not in.
    #[error("cannot connect")]
    Connection(#[from] ConnectionError),
    /// It refused a question at start-up.
    #[error("the database refused a query")]
    Query(#[from] diesel::result::Error),
    /// A migration failed. Of one that is a transaction, as most are, nothing was done.
    #[error("the migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Others were in the way for too long.
    #[error("gave up after MIGRATE_TIMEOUT ({limit:?}): {cause}")]
    MigrationTimeout {
        /// For how long it has waited.
        limit: Duration,
        /// For what.
        cause: &'static str,
    },
    /// Migrations are pending and were not to be applied.
    #[error(
        "migrations are pending ({}): run `todo-api migrate up`, or set MIGRATE_ON_START=true",
        .0.join(", ")
    )]
    PendingMigrations(Vec<String>),
    /// The Postgres database does not keep Unicode.
    #[error("the database's encoding is {0}, but must be UTF8: create it with ENCODING 'UTF8'")]
    Encoding(String),
    /// The operating system grants no threads.
    #[error("cannot start the worker threads")]
    Threads(#[from] std::io::Error),
}
