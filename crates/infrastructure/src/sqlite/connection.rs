//! Opens connections to SQLite, and migrates.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::{Connection, SimpleConnection};
use diesel::prelude::*;
use diesel::result::{ConnectionError, ConnectionResult, QueryResult};

use super::deadline;
use super::file::{DatabaseFile, FileProblem};
use crate::migrations::{self, MigrationCommand, MigrationStatus, Migrations, Step, WaitLimit};
use crate::options::OpenError;

/// Where the database is.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    /// In a file, which the first connection creates if it does not exist.
    File(Arc<DatabaseFile>),
    /// In memory. Each connection has its own.
    Memory,
}

impl Location {
    /// The database in the file at `path`.
    pub(crate) fn file(path: PathBuf) -> Self {
        Self::File(Arc::new(DatabaseFile::new(path)))
    }

    /// Checks that the files are still those that were opened first.
    ///
    /// # Errors
    /// If they have been deleted, moved or replaced: writes to them would be lost.
    pub(super) fn check(&self) -> Result<(), FileProblem> {
        match self {
            Self::File(file) => file.check(),
            Self::Memory => Ok(()),
        }
    }
}

/// The interval at which a migration tries to get the write lock.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

const OTHER_PROCESS: &str = "another process is writing to the database";

/// Opens a connection that may write. Commits are durable: they return when the data is on disk.
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
        // The second pragma reads the file, which opens the write-ahead log.
        connection.batch_execute("PRAGMA synchronous = FULL; PRAGMA schema_version")?;
        deadline::register(&connection)
    };
    set_up().map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Enables write-ahead logging, which is stored in the file. SQLite's `busy_timeout` does not apply to this switch on a
/// new file: without the loop, instances that start together would fail instead of waiting for the first.
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

/// Sets how long a connection waits for locks.
pub(super) fn set_busy_timeout(
    connection: &mut SqliteConnection,
    timeout: Duration,
) -> QueryResult<()> {
    connection.batch_execute(&format!("PRAGMA busy_timeout = {}", timeout.as_millis()))
}

/// Executes a migration command on a new connection.
///
/// # Errors
/// If the file cannot be opened, a migration fails, or it has waited for `timeout`. Nothing has changed then.
pub(crate) fn migrate(
    location: &Location,
    migrations: &Migrations,
    command: MigrationCommand,
    timeout: Duration,
) -> Result<Vec<MigrationStatus>, OpenError> {
    run(&mut connect(location, timeout)?, migrations, command, timeout)
}

/// Executes a migration command in one transaction that has the write lock from its start, so that instances that start
/// together wait for the first. Leaves the connection with a short busy timeout.
pub(super) fn run(
    connection: &mut SqliteConnection,
    known: &Migrations,
    command: MigrationCommand,
    timeout: Duration,
) -> Result<Vec<MigrationStatus>, OpenError> {
    set_busy_timeout(connection, POLL_INTERVAL)?;
    let mut wait_limit = WaitLimit::new(timeout);
    loop {
        let result = connection.immediate_transaction(|connection| {
            for Step { migration, is_up } in
                migrations::steps(known, &applied(connection)?, command)?
            {
                migrations::execute_step(connection, is_up, migration)?;
            }
            Ok(migrations::status(known, &applied(connection)?))
        });
        match result {
            Err(OpenError::Query(error)) if error.to_string().contains("is locked") => {
                wait_limit.pause(Duration::ZERO, OTHER_PROCESS)?;
            }
            result => return result,
        }
    }
}

/// The versions of the applied migrations.
pub(super) fn applied(connection: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    migrations::applied!(
        connection,
        "SELECT count(*) > 0 AS it FROM sqlite_master WHERE name = '__diesel_schema_migrations'"
    )
}
