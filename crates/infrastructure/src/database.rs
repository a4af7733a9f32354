//! The front door: from a URL to a repository.

use std::sync::Arc;
use std::time::Duration;

use diesel::result::ConnectionError;
use thiserror::Error;
use todo_domain::TodoRepository;

use crate::migrations::{self, MigrationCommand, MigrationStatus, Migrations};
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

/// Carries out a migration command; tells how things stand afterwards. `timeout` is how long it may wait for another
/// copy that migrates, and for locks of others.
///
/// # Errors
/// [`OpenError`]. Of migrations that are transactions nothing is done then.
pub fn migrate(
    url: &DatabaseUrl,
    command: MigrationCommand,
    timeout: Duration,
) -> Result<Vec<MigrationStatus>, OpenError> {
    let migrations = match url {
        DatabaseUrl::Postgres(_) => &migrations::POSTGRES,
        DatabaseUrl::SqliteFile(_) | DatabaseUrl::SqliteMemory => &migrations::SQLITE,
    };
    migrate_with(url, migrations, command, timeout)
}

/// The same with migrations other than the program's own.
///
/// # Errors
/// As [`migrate`].
pub fn migrate_with(
    url: &DatabaseUrl,
    migrations: &Migrations,
    command: MigrationCommand,
    timeout: Duration,
) -> Result<Vec<MigrationStatus>, OpenError> {
    let location = match url {
        DatabaseUrl::Postgres(url) => return postgres::migrate(url, migrations, command, timeout),
        DatabaseUrl::SqliteFile(path) => Location::file(path.clone()),
        DatabaseUrl::SqliteMemory => Location::Memory,
    };
    sqlite::migrate(&location, migrations, command, timeout)
}
