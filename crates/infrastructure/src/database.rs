//! The front door: from a URL to a repository.

use std::sync::Arc;
use std::time::Duration;

use diesel::result::ConnectionError;
use thiserror::Error;
use todo_domain::TodoRepository;

use crate::migrations::{MigrationCommand, MigrationStatus};
use crate::postgres::{self, PostgresTodoRepository};
use crate::sqlite::{self, Location, SqliteTodoRepository};
use crate::url::DatabaseUrl;

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
    /// A migration failed; nothing was changed.
    #[error("the migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
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

/// Opens a database: connects, migrates if told to, starts the worker threads.
///
/// # Errors
/// [`OpenError`]. Nothing is left running then.
pub fn open(
    url: &DatabaseUrl,
    options: &DatabaseOptions,
) -> Result<Arc<dyn TodoRepository>, OpenError> {
    match url {
        DatabaseUrl::Postgres(url) => Ok(Arc::new(PostgresTodoRepository::open(url, options)?)),
        DatabaseUrl::SqliteFile(path) => {
            Ok(Arc::new(SqliteTodoRepository::open(Location::file(path.clone()), options)?))
        }
        DatabaseUrl::SqliteMemory => {
            Ok(Arc::new(SqliteTodoRepository::open(Location::Memory, options)?))
        }
    }
}

/// Carries out a migration command; tells how things stand afterwards.
///
/// # Errors
/// [`OpenError`]. Nothing is changed then.
pub fn migrate(
    url: &DatabaseUrl,
    command: MigrationCommand,
) -> Result<Vec<MigrationStatus>, OpenError> {
    match url {
        DatabaseUrl::Postgres(url) => postgres::migrate(url, command),
        DatabaseUrl::SqliteFile(path) => sqlite::migrate(&Location::file(path.clone()), command),
        DatabaseUrl::SqliteMemory => sqlite::migrate(&Location::Memory, command),
    }
}
