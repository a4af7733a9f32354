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
use crate::migrations::{self, MigrationCommand, MigrationStatus, Migrations, Patience, Step};
use crate::options::OpenError;

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

/// How often a migration asks whether another process has done.
const POLL: Duration = Duration::from_millis(100);

const OTHER_PROCESS: &str = "another process is writing to the database";

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
        set_busy_timeout(&mut connection, busy_timeout)?;
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

/// How long a connection waits for another that has a lock which it needs.
pub(super) fn set_busy_timeout(
    connection: &mut SqliteConnection,
    timeout: Duration,
) -> QueryResult<()> {
    connection.batch_execute(&format!("PRAGMA busy_timeout = {}", timeout.as_millis()))
}

/// Carries out a migration command on a connection of its own.
///
/// # Errors
/// When the file cannot be opened, a migration fails, or it has waited for others for so long; then nothing is changed.
pub(crate) fn migrate(
    location: &Location,
    migrations: &Migrations,
    command: MigrationCommand,
    timeout: Duration,
) -> Result<Vec<MigrationStatus>, OpenError> {
    run(&mut connect(location, timeout)?, migrations, command, timeout)
}

/// All in one transaction that holds the write lock from its start, so that copies that start together wait
/// for the first. Leaves a short timeout behind for when the database is busy.
pub(super) fn run(
    connection: &mut SqliteConnection,
    known: &Migrations,
    command: MigrationCommand,
    timeout: Duration,
) -> Result<Vec<MigrationStatus>, OpenError> {
    set_busy_timeout(connection, POLL)?;
    let mut patience = Patience::new(timeout);
    loop {
        let result = connection.immediate_transaction(|connection| {
            for Step { migration, is_up } in
                migrations::steps(known, &applied(connection)?, command)?
            {
                migrations::carry_out(connection, is_up, migration)?;
            }
            Ok(migrations::status(known, &applied(connection)?))
        });
        match result {
            Err(OpenError::Query(error)) if error.to_string().contains("is locked") => {
                patience.pause(Duration::ZERO, OTHER_PROCESS)?;
            }
            result => return result,
        }
    }
}

fn applied(connection: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    migrations::applied!(
        connection,
        "SELECT count(*) > 0 AS it FROM sqlite_master WHERE name = '__diesel_schema_migrations'"
    )
}
