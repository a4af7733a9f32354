//! From a URL to a repository, or to a migrated database.

use std::sync::Arc;
use std::time::Duration;

use todo_domain::TodoRepository;

use crate::migrations::{MigrationCommand, MigrationStatus, Migrations};
use crate::options::{DatabaseOptions, OpenError};
use crate::postgres::{self, PostgresTodoRepository};
use crate::sqlite::{self, Location, SqliteTodoRepository};
use crate::url::DatabaseUrl;

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
        DatabaseUrl::Postgres(_) => &postgres::MIGRATIONS,
        DatabaseUrl::SqliteFile(_) | DatabaseUrl::SqliteMemory => &sqlite::MIGRATIONS,
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
