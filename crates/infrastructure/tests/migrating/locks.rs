//! Migrations that wait for a lock on the table do not block calls.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use chrono::DateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use todo_domain::TodoId;
use todo_infrastructure::{Migration, MigrationCommand, Migrations, OpenError, migrate_with};
use uuid::Uuid;

use crate::distributed::DISTRIBUTED;
use crate::{LONG, SHORT, USER, add_column, block_on, in_use, is_applied, todo, url, wait_for};

/// Runs calls while the migration waits for a reader that keeps its transaction open.
fn assert_calls_continue(migrations: &Migrations, prepare: &str) {
    let Some((database, repository)) = in_use() else { return };
    database.psql(prepare);
    let mut reader = PgConnection::establish(database.url()).unwrap();
    reader.batch_execute("BEGIN; SELECT * FROM todos").unwrap();
    let (done, attempts) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let migration = scope.spawn(|| {
            let status = migrate_with(&url(&database), migrations, MigrationCommand::Up, LONG);
            done.store(true, Ordering::SeqCst);
            status
        });
        // Counts how often the migration has waited for its lock and timed out.
        let watcher = scope.spawn(|| {
            let waiting =
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            while !done.load(Ordering::SeqCst) {
                let is_waiting = || database.psql(waiting) != "0";
                wait_for(|| is_waiting() || done.load(Ordering::SeqCst));
                wait_for(|| !is_waiting());
                attempts.fetch_add(1, Ordering::SeqCst);
            }
        });
        while attempts.load(Ordering::SeqCst) < 3 {
            let found = block_on(repository.find(USER, TodoId(Uuid::from_u128(1))));
            assert!(found.unwrap().is_some());
            let id = Uuid::now_v7().as_u128();
            block_on(repository.insert(USER, todo(id), None, DateTime::UNIX_EPOCH)).unwrap();
            assert!(!done.load(Ordering::SeqCst), "it did not wait for the reader");
        }
        reader.batch_execute("COMMIT").unwrap();
        assert!(is_applied(&migration.join().unwrap().unwrap()));
        watcher.join().unwrap();
    });
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'todos' AND column_name = 'colour'";
    assert_eq!(database.psql(columns), "1");
}

#[test]
fn a_migration_behind_a_long_reader_blocks_no_call() {
    assert_calls_continue(&add_column(), "");
}

#[test]
fn a_migration_of_a_distributed_table_behind_a_long_reader_blocks_no_call() {
    assert_calls_continue(&add_column(), DISTRIBUTED);
}

#[test]
fn a_migration_that_cannot_lock_its_table_times_out_and_leaves_no_trace() {
    let Some((database, _repository)) = in_use() else { return };
    let mut reader = PgConnection::establish(database.url()).unwrap();
    reader.batch_execute("BEGIN; SELECT * FROM todos").unwrap();
    let migrations = Migrations::new(vec![Migration::sql(
        "2999-01-01-000000_two_things",
        "CREATE TABLE thing (); ALTER TABLE todos ADD COLUMN colour text;",
        "DROP TABLE thing; ALTER TABLE todos DROP COLUMN colour;",
        true,
    )]);
    let error =
        migrate_with(&url(&database), &migrations, MigrationCommand::Up, SHORT).unwrap_err();
    assert!(matches!(error, OpenError::MigrationTimeout { .. }), "{error:?}");
    assert!(error.to_string().contains("MIGRATE_TIMEOUT"), "{error}");
    assert_eq!(database.psql("SELECT to_regclass('thing') IS NULL"), "t");
}
