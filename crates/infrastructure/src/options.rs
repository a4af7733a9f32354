//! The options for opening a database, and the errors.

use std::time::Duration;

use diesel::result::ConnectionError;
use prometheus_client::registry::Registry;
use thiserror::Error;

use crate::traces::CallTracer;

/// How to use a database.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseOptions {
    /// The number of worker threads, each with its own connection.
    pub pool_size: u32,
    /// The time limit for a call, which covers waiting for a thread, waiting for a connection, and the statement.
    pub timeout: Duration,
    /// The time limit for a bulk call.
    pub bulk_timeout: Duration,
    /// How many calls may wait for a thread. Further calls fail immediately.
    pub queue_capacity: usize,
    /// Whether to cache prepared statements (Postgres only).
    pub statement_cache: StatementCache,
    /// Whether to apply pending migrations. If not, they are an error.
    pub migrate_on_start: bool,
    /// How long migrations may wait for another instance that migrates, and for locks.
    pub migrate_timeout: Duration,
}

/// Who is told what the database does. Without them, nothing is measured.
#[derive(Default)]
pub struct Observers<'a> {
    /// Where it registers its metrics.
    pub registry: Option<&'a mut Registry>,
    /// What traces its calls.
    pub tracer: Option<CallTracer>,
}

/// Whether statements are prepared once per connection (Postgres only; SQLite always does).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementCache {
    /// If no pooler is found that shares the sessions between clients.
    Auto,
    /// Always. Behind such a pooler, one client's statement can be executed as another's.
    On,
    /// Never.
    Off,
}

/// Why a database could not be opened. No message contains a password.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The database is unreachable, or refuses the connection.
    #[error("cannot connect")]
    Connection(#[from] ConnectionError),
    /// A query at start-up failed.
    #[error("a query failed")]
    Query(#[from] diesel::result::Error),
    /// A migration failed. It was rolled back if it runs in a transaction, as most do.
    #[error("the migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another instance, or a lock, blocked the migrations for too long.
    #[error("gave up after MIGRATE_TIMEOUT ({limit:?}): {cause}")]
    MigrationTimeout {
        /// How long they waited.
        limit: Duration,
        /// What they waited for.
        cause: &'static str,
    },
    /// Migrations are pending, and [`DatabaseOptions::migrate_on_start`] is off.
    #[error(
        "migrations are pending ({}): run `todo-api migrate up`, or set MIGRATE_ON_START=true",
        .0.join(", ")
    )]
    PendingMigrations(Vec<String>),
    /// The encoding of the Postgres database is not UTF-8.
    #[error("the database's encoding is {0}, but must be UTF8: create it with ENCODING 'UTF8'")]
    Encoding(String),
    /// The operating system refused to start a thread.
    #[error("cannot start the worker threads")]
    Threads(#[from] std::io::Error),
}
