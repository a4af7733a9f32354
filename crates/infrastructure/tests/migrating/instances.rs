//! Instances wait for another one that migrates, for a limited time.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use todo_infrastructure::{
    DatabaseOptions, DatabaseUrl, MigrationCommand, OpenError, migrate, migrate_with, open,
};
use todo_test_support::database::TestDatabase;
use todo_test_support::log::capture_log;

use crate::common;
use crate::{LONG, SHORT, add_column, in_use, url};

const OPTIONS: DatabaseOptions = DatabaseOptions { migrate_timeout: SHORT, ..common::OPTIONS };

/// Opens the database while another connection has the lock. Returns the log and the error.
fn open_locked(url: &DatabaseUrl) -> (String, OpenError) {
    let (result, log) = capture_log(|| open(url, &OPTIONS));
    (log, result.err().unwrap())
}

fn assert_timed_out(log: &str, error: &OpenError, cause: &str) {
    assert!(matches!(error, OpenError::MigrationTimeout { .. }), "{error:?}");
    assert!(error.to_string().contains(cause), "{error}");
    assert_eq!(log.matches("waiting to migrate").count(), 1, "{log}");
    assert!(log.contains(cause), "{log}");
}

#[test]
fn a_start_logs_that_it_waits_for_another_instance_to_migrate_postgres_and_times_out() {
    let Some(database) = TestDatabase::postgres() else { return };
    let mut other = PgConnection::establish(database.url()).unwrap();
    other.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(1953457263)").unwrap();
    let (log, error) = open_locked(&url(&database));
    assert_timed_out(&log, &error, "another instance is migrating the database");
    other.batch_execute("COMMIT").unwrap();
    assert!(open(&url(&database), &OPTIONS).is_ok());
}

#[test]
fn a_start_logs_that_it_waits_for_another_process_to_write_to_sqlite_and_times_out() {
    let database = TestDatabase::sqlite();
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let mut other = SqliteConnection::establish(path).unwrap();
    other.batch_execute("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE").unwrap();
    let (log, error) = open_locked(&url(&database));
    assert_timed_out(&log, &error, "another process is writing to the database");
    other.batch_execute("COMMIT").unwrap();
    assert!(open(&url(&database), &OPTIONS).is_ok());
}

#[test]
fn an_unknown_migration_is_not_reverted() {
    let Some((database, _repository)) = in_use() else { return };
    let known = add_column();
    migrate_with(&url(&database), &known, MigrationCommand::Up, LONG).unwrap();
    let error = migrate(&url(&database), MigrationCommand::Down(1), LONG).unwrap_err();
    assert!(format!("{error:?}").contains("29990101000000"), "{error:?}");
}
