//! `CREATE INDEX CONCURRENTLY` in migrations.

use std::thread;

use chrono::DateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use todo_infrastructure::{
    Migration, MigrationCommand, Migrations, OpenError, migrate, migrate_with,
};

use crate::{LONG, SHORT, USER, block_on, in_use, is_applied, todo, url, wait_for};

fn add_and_index_column() -> Migrations {
    Migrations::new(vec![
        Migration::sql(
            "2999-01-01-000000_add_colour",
            "ALTER TABLE todos ADD COLUMN colour text;",
            "ALTER TABLE todos DROP COLUMN colour;",
            true,
        ),
        Migration::sql(
            "2999-01-02-000000_index_colour",
            "DROP INDEX CONCURRENTLY IF EXISTS todos_by_colour;
             CREATE INDEX CONCURRENTLY todos_by_colour ON todos (user_id, colour);",
            "DROP INDEX CONCURRENTLY todos_by_colour;",
            false,
        ),
    ])
}

const HAS_INDEX: &str = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('todos_by_colour') AND indisvalid";

/// Even if several instances wait for the migration lock, and the settings of the database are unfavourable.
#[test]
fn an_index_can_be_created_concurrently_under_the_lock() {
    let Some((database, _repository)) = in_use() else { return };
    let name = database.psql("SELECT current_database()");
    database.psql(&format!(
        "ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'repeatable read';
         ALTER DATABASE \"{name}\" SET idle_in_transaction_session_timeout = '200ms'"
    ));
    let migrations = add_and_index_column();
    thread::scope(|scope| {
        let instances: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    migrate_with(&url(&database), &migrations, MigrationCommand::Up, LONG)
                })
            })
            .collect();
        for instance in instances {
            assert!(is_applied(&instance.join().unwrap().unwrap()));
        }
    });
    assert_eq!(database.psql(HAS_INDEX), "1");
    let down = migrate_with(&url(&database), &migrations, MigrationCommand::Down(2), LONG);
    assert!(down.unwrap().iter().all(|it| !it.is_applied));
    assert_eq!(database.psql(HAS_INDEX), "0");
}

/// The statement waits for a transaction that is older, and the instance holds the migration lock meanwhile.
#[test]
fn the_lock_is_held_while_an_index_is_created_behind_a_long_reader() {
    let Some((database, repository)) = in_use() else { return };
    let mut reader = PgConnection::establish(database.url()).unwrap();
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").unwrap();
    let migrations = add_and_index_column();
    thread::scope(|scope| {
        let migration =
            scope.spawn(|| migrate_with(&url(&database), &migrations, MigrationCommand::Up, LONG));
        let creating =
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%CREATE INDEX CONCURRENTLY%'
            AND wait_event = 'virtualxid' AND datname = current_database()";
        wait_for(|| database.psql(creating) == "1");
        let other = migrate(&url(&database), MigrationCommand::Up, SHORT).unwrap_err();
        assert!(matches!(other, OpenError::MigrationTimeout { .. }), "{other:?}");
        block_on(repository.insert(USER, todo(2), None, DateTime::UNIX_EPOCH)).unwrap();
        reader.batch_execute("COMMIT").unwrap();
        assert!(is_applied(&migration.join().unwrap().unwrap()));
    });
    assert_eq!(database.psql(HAS_INDEX), "1");
}
