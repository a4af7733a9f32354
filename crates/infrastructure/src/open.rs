//! Opens, migrates, backs up and restores the database of a URL.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use todo_domain::{ChangeRelay, TodoRepository};

use crate::backup::{BackupContents, BackupError, Restored};
use crate::migrations::{MigrationCommand, MigrationStatus, Migrations};
use crate::options::{DatabaseOptions, Observers, OpenError};
use crate::postgres::{self, Notifications, PostgresTodoRepository};
use crate::sqlite::{self, Location, SqliteTodoRepository};
use crate::url::DatabaseUrl;

/// Opens a database: connects, migrates if the options say so, and starts the worker threads.
///
/// # Errors
/// [`OpenError`]. No thread is left running.
pub fn open(
    url: &DatabaseUrl,
    options: &DatabaseOptions,
) -> Result<Arc<dyn TodoRepository>, OpenError> {
    open_observed(url, options, Observers::default())
}

/// Like [`open`], with observers.
///
/// # Errors
/// As [`open`].
pub fn open_observed(
    url: &DatabaseUrl,
    options: &DatabaseOptions,
    observers: Observers<'_>,
) -> Result<Arc<dyn TodoRepository>, OpenError> {
    let location = match url {
        DatabaseUrl::Postgres(url) => {
            return Ok(Arc::new(PostgresTodoRepository::open(url, options, observers)?));
        }
        DatabaseUrl::SqliteFile(path) => Location::file(path.clone()),
        DatabaseUrl::SqliteMemory => Location::Memory,
    };
    Ok(Arc::new(SqliteTodoRepository::open(location, options, observers)?))
}

/// Tells other processes of changes by `NOTIFY`, and hears of theirs by `LISTEN`, on connections of its own to the
/// database of this URL. `None` if it is not Postgres.
#[must_use]
pub fn change_relay(url: &DatabaseUrl) -> Option<Arc<dyn ChangeRelay>> {
    match url {
        DatabaseUrl::Postgres(url) => Some(Arc::new(Notifications::new(url))),
        DatabaseUrl::SqliteFile(_) | DatabaseUrl::SqliteMemory => None,
    }
}

/// Executes a migration command, and returns the status of all migrations. `timeout` limits how long it waits for
/// another instance that migrates, and for locks.
///
/// # Errors
/// [`OpenError`]. Migrations that run in a transaction are rolled back.
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

/// Like [`migrate`], with other migrations than the embedded ones.
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

/// Writes a consistent copy of a SQLite database, while others may use that, to a new file, and verifies it. The copy
/// appears under its name only when it is complete, verified, and on disk. It has every write that was acknowledged
/// before the call.
///
/// # Errors
/// [`BackupError`]. There is no file at `target` then, or it is the one that was there before.
pub fn back_up(url: &DatabaseUrl, target: &Path) -> Result<BackupContents, BackupError> {
    sqlite::back_up(sqlite_file(url)?, target)
}

/// Verifies a backup and puts it in the place of a SQLite database, which no other process may have open. A database
/// that is already there is replaced only if `replace` is set, and kept beside it.
///
/// # Errors
/// [`BackupError`]. The database is the one that was there before.
pub fn restore(url: &DatabaseUrl, backup: &Path, replace: bool) -> Result<Restored, BackupError> {
    sqlite::restore(backup, sqlite_file(url)?, replace)
}

/// The file of a SQLite database.
fn sqlite_file(url: &DatabaseUrl) -> Result<&Path, BackupError> {
    match url {
        DatabaseUrl::SqliteFile(path) => Ok(path),
        DatabaseUrl::SqliteMemory => Err(BackupError::Memory),
        DatabaseUrl::Postgres(_) => Err(BackupError::Postgres),
    }
}
