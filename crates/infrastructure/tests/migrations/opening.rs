//! Opening a database that is empty, not migrated, or has the wrong encoding.

use std::sync::Barrier;
use std::thread;

use todo_infrastructure::{
    DatabaseOptions, DatabaseUrl, MigrationCommand, OpenError, migrate, open,
};
use todo_test_support::database::TestDatabase;

use crate::common::OPTIONS;
use crate::url;

/// Opens empty databases by several instances at once. Repeats it, because the window for a race is short.
fn assert_opened_at_once(database: impl Fn() -> Option<TestDatabase>) {
    const INSTANCES: usize = 8;
    for _ in 0..10 {
        let Some(database) = database() else { return };
        let (url, barrier) = (url(&database), Barrier::new(INSTANCES));
        let opened: Vec<_> = thread::scope(|scope| {
            let instance = || {
                barrier.wait();
                // Not dropped, so that no instance closes the database before another opens it.
                open(&url, &OPTIONS)
            };
            let threads: Vec<_> = (0..INSTANCES).map(|_| scope.spawn(instance)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for result in opened {
            assert!(result.is_ok(), "{:?}", result.err());
        }
    }
}

#[test]
fn eight_instances_open_an_empty_postgres_database_at_once() {
    assert_opened_at_once(TestDatabase::postgres);
}

#[test]
fn eight_instances_open_an_empty_sqlite_file_at_once() {
    assert_opened_at_once(|| Some(TestDatabase::sqlite()));
}

fn assert_pending(url: &DatabaseUrl) {
    let options = DatabaseOptions { migrate_on_start: false, ..OPTIONS };
    let Some(OpenError::PendingMigrations(names)) = open(url, &options).err() else {
        panic!("{url} was opened, or rejected for another reason")
    };
    let known = migrate(url, MigrationCommand::Status, OPTIONS.migrate_timeout).unwrap();
    assert_eq!(names, known.into_iter().map(|it| it.name).collect::<Vec<_>>());
    if *url != DatabaseUrl::SqliteMemory {
        migrate(url, MigrationCommand::Up, OPTIONS.migrate_timeout).unwrap();
        assert!(open(url, &options).is_ok());
    }
}

#[test]
fn a_database_with_pending_migrations_is_rejected_if_they_may_not_be_applied() {
    assert_pending(&DatabaseUrl::SqliteMemory);
    assert_pending(&url(&TestDatabase::sqlite()));
    if let Some(database) = TestDatabase::postgres() {
        assert_pending(&url(&database));
    }
}

#[test]
fn a_postgres_database_with_another_encoding_than_utf8_is_rejected() {
    let Some(database) = TestDatabase::postgres() else { return };
    let name = database.psql("SELECT current_database()");
    let ascii = format!("{name}_ascii");
    let url = database.url().replacen(&name, &ascii, 1);
    database.psql(&format!(
        "CREATE DATABASE \"{ascii}\" ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    ));
    let result = open(&url.parse().unwrap(), &OPTIONS);
    database.psql(&format!("DROP DATABASE \"{ascii}\" WITH (FORCE)"));
    let error = result.err();
    assert!(matches!(&error, Some(OpenError::Encoding(name)) if name == "SQL_ASCII"), "{error:?}");
}
