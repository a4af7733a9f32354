//! Opening connections to SQLite.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::{Connection, SimpleConnection};
use diesel::prelude::*;
use diesel::result::{ConnectionError, ConnectionResult, QueryResult};

use super::deadline;
use super::file::{DatabaseFile, FileProblem};
use crate::database::OpenError;
use crate::migrations::{self, MigrationCommand, MigrationStatus};

/// Where the database is.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    /// In a file, which the first connection creates if it is not there.
    File(Arc<DatabaseFile>),
    /// In memory, one for each connection.
    Memory,
}

impl Location {
    /// A file that may have to be created.
    pub(crate) fn file(path: PathBuf) -> Self {
        Self::File(Arc::new(DatabaseFile::new(path)))
    }

    /// Looks whether the files are still those that were opened first.
    ///
    /// # Errors
    /// When they have been deleted, moved or replaced: what is written now would be lost.
    pub(super) fn check(&self) -> Result<(), FileProblem> {
        match self {
            Self::File(file) => file.check(),
            Self::Memory => Ok(()),
        }
    }
}

/// For how long a migration waits for another process.
const MIGRATION_BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a connection that may write. What it commits is on the disk when the commit returns.
pub(crate) fn connect(
    location: &Location,
    busy_timeout: Duration,
) -> ConnectionResult<SqliteConnection> {
    match location {
        Location::File(file) => file.open(|uri| {
            establish(uri, busy_timeout).map_err(|error| match error {
                ConnectionError::BadConnection(text) => {
                    ConnectionError::BadConnection(format!("{text}: {}", file.path().display()))
                }
                error => error,
            })
        }),
        Location::Memory => establish(":memory:", busy_timeout),
    }
}

fn establish(uri: &str, busy_timeout: Duration) -> ConnectionResult<SqliteConnection> {
    let mut connection = SqliteConnection::establish(uri)?;
    let mut set_up = || {
        let timeout = busy_timeout.as_millis();
        connection.batch_execute(&format!("PRAGMA busy_timeout = {timeout}"))?;
        switch_to_wal(&mut connection, busy_timeout)?;
        // The second reads, for which the write-ahead log is opened.
        connection.batch_execute("PRAGMA synchronous = FULL; PRAGMA schema_version")?;
        deadline::register(&connection)
    };
    set_up().map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Tells SQLite to write ahead, which is remembered in the file. Its `busy_timeout` does not cover the switch
/// of a new file: copies that start together would fail instead of waiting for the first.
fn switch_to_wal(connection: &mut SqliteConnection, timeout: Duration) -> QueryResult<()> {
    let deadline = Instant::now() + timeout;
    loop {
        match connection.batch_execute("PRAGMA journal_mode = WAL") {
            Err(error) if error.to_string().contains("is locked") && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
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
        migrations::carry_out(connection, || migrations::SQLITE, applied, command)
    })
}

fn applied(connection: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    migrations::applied!(
        connection,
        "SELECT count(*) > 0 AS it FROM sqlite_master WHERE name = '__diesel_schema_migrations'"
    )
}
