//! Opening connections to SQLite.

use std::path::PathBuf;
use std::time::Duration;

use diesel::connection::{Connection, SimpleConnection};
use diesel::prelude::*;
use diesel::result::{ConnectionError, ConnectionResult};

use crate::database::OpenError;
use crate::migrations::{self, MigrationCommand, MigrationStatus};

/// Where the database is.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    /// In a file, made when it is not there.
    File(PathBuf),
    /// In memory, one for each connection.
    Memory,
}

/// For how long a migration waits for another process.
const MIGRATION_BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a connection that may write. What it commits is on the disk when the commit returns.
pub(crate) fn connect(
    location: &Location,
    busy_timeout: Duration,
) -> ConnectionResult<SqliteConnection> {
    let path = match location {
        Location::File(path) => path.to_string_lossy(),
        Location::Memory => ":memory:".into(),
    };
    let mut connection = SqliteConnection::establish(&path).map_err(|error| match error {
        ConnectionError::BadConnection(text) => {
            ConnectionError::BadConnection(format!("{text}: {path}"))
        }
        error => error,
    })?;
    connection
        .batch_execute(&format!(
            "PRAGMA busy_timeout = {};
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;",
            busy_timeout.as_millis()
        ))
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Opens a connection that may only read.
pub(crate) fn connect_reader(
    location: &Location,
    busy_timeout: Duration,
) -> ConnectionResult<SqliteConnection> {
    let mut connection = connect(location, busy_timeout)?;
    connection
        .batch_execute("PRAGMA query_only = ON")
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Carries out a migration command on a connection of its own.
///
/// # Errors
/// When the file cannot be opened or a migration fails; then nothing is changed.
pub(crate) fn migrate(
    location: &Location,
    command: MigrationCommand,
) -> Result<Vec<MigrationStatus>, OpenError> {
    run(&mut connect(location, MIGRATION_BUSY_TIMEOUT)?, command)
}

/// All in one transaction that holds the write lock from its start, so that copies that start together wait
/// for the first.
pub(super) fn run(
    connection: &mut SqliteConnection,
    command: MigrationCommand,
) -> Result<Vec<MigrationStatus>, OpenError> {
    connection.immediate_transaction(|connection| {
        migrations::carry_out(connection, || migrations::SQLITE, command)
    })
}
