//! The migrations that add priority, due time and tags, and their indexes, to a table in use.

use std::thread;

use chrono::DateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use todo_domain::{TodoId, TodoPatch, VersionMatch};
use todo_infrastructure::{MigrationCommand, OpenError, migrate};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::distributed::DISTRIBUTED;
use crate::{LONG, USER, before, block_on, in_use, is_applied, revert, todo, url, wait_for};

const COLUMNS: &str = "add_priority_due_and_tags";
const UP: &str = include_str!(
    "../../../../migrations/postgres/2026-11-23-000000_add_priority_due_and_tags/up.sql"
);
const INDEXES: &str = "index_priority_due_and_title";

/// A row of the release before, for each number of a series.
const INSERT: &str = "
    INSERT INTO todos (user_id, id, title, is_completed, created_at, updated_at, version, title_folded)
    SELECT gen_random_uuid(), gen_random_uuid(), 'title', false, now(), now(), 1, 'title'";

/// The indexes of the migration, in order, and whether they are valid.
const VALID: &str = "
    SELECT relname, indisvalid FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid
    WHERE relname IN ('todos_by_priority', 'todos_by_due', 'todos_by_title') ORDER BY pg_class.oid";

const ALL_VALID: &str = "todos_by_priority|t\ntodos_by_due|t\ntodos_by_title|t";

fn migrate_up(database: &TestDatabase) -> Result<bool, OpenError> {
    migrate(&url(database), MigrationCommand::Up, LONG).map(|status| is_applied(&status))
}

#[test]
fn the_columns_are_added_without_reading_or_rewriting_the_table() {
    let Some(database) = before(COLUMNS) else { return };
    database.psql(&format!("{INSERT} FROM generate_series(1, 1000)"));
    let file = "SELECT pg_relation_filenode('todos')";
    let scans = "SELECT seq_scan + idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'todos'";
    let before = database.psql(file);
    let seen = database.psql(&format!(
        "BEGIN; {UP} {scans}; {file};
         -- This reads the table, and so does the index: both are counted.
         ALTER TABLE todos VALIDATE CONSTRAINT todos_priority_check; {scans}; COMMIT"
    ));
    let seen: Vec<_> = seen.lines().filter(|line| line.parse::<u64>().is_ok()).collect();
    assert_eq!(seen, ["0", before.as_str(), "1"]);
    assert!(migrate_up(&database).unwrap());
    assert_eq!(database.psql(file), before);
}

#[test]
fn the_columns_need_the_table_alone_only_until_they_commit() {
    let Some(database) = before(COLUMNS) else { return };
    let locks = "SELECT DISTINCT relation::regclass, mode FROM pg_locks
        WHERE locktype = 'relation' AND relation >= 16384 AND pid = pg_backend_pid()";
    let seen = database.psql(&format!("BEGIN; {UP} {locks}; COMMIT"));
    assert!(seen.contains("todos|AccessExclusiveLock"), "{seen}");
    assert!(!seen.contains("user_clocks") && !seen.contains("tombstones"), "{seen}");
    assert_eq!(database.psql(&format!("{locks} AND relation = 'todos'::regclass")), "");
}

#[test]
fn the_columns_can_be_repeated_after_they_failed_halfway() {
    // On Citus, each statement is a transaction.
    for statements in 1..UP.matches(';').count() {
        let Some(database) = before(COLUMNS) else { return };
        database.psql(DISTRIBUTED);
        let done: Vec<_> = UP.split_inclusive(';').take(statements).collect();
        database.psql(&done.concat());
        assert!(migrate_up(&database).unwrap());
        assert_eq!(database.psql("SELECT priority, due_at, due_is_date, tags FROM todos"), "2||f|");
        // Reverting them fails behind the first statement, too.
        revert(&database, INDEXES);
        database.psql("ALTER TABLE todos DROP COLUMN tags_folded");
        revert(&database, COLUMNS);
        assert!(migrate_up(&database).unwrap());
    }
}

/// Opens a transaction with a snapshot, for which `CREATE INDEX CONCURRENTLY` waits.
fn reader(database: &TestDatabase) -> PgConnection {
    let mut reader = PgConnection::establish(database.url()).unwrap();
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").unwrap();
    reader
}

/// Waits until this index is being created behind a reader. Returns the id of the session.
fn wait_for_creation_of(database: &TestDatabase, index: &str) -> String {
    let creating = format!(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE '%CREATE INDEX CONCURRENTLY {index} %'
         AND wait_event = 'virtualxid' AND datname = current_database()"
    );
    wait_for(|| !database.psql(&creating).is_empty());
    database.psql(&creating)
}

/// Also on Citus, where each statement is sent by itself.
#[test]
fn nobody_waits_for_the_indexes_and_they_can_be_repeated_after_a_failure() {
    for (failing, prepare) in [(0, ""), (1, DISTRIBUTED), (2, "")] {
        let Some((database, repository)) = in_use() else { return };
        revert(&database, INDEXES);
        database.psql(&format!("{prepare}; {INSERT} FROM generate_series(1, 1000)"));
        thread::scope(|scope| {
            // Ends with the scope, so that a failure is no hang.
            let mut current = reader(&database);
            let migration = scope.spawn(|| migrate_up(&database));
            let names = ["todos_by_priority", "todos_by_due", "todos_by_title"];
            for (number, index) in names.into_iter().enumerate().take(failing + 1) {
                let session = wait_for_creation_of(&database, index);
                let (id, now) = (100 + number as u128, DateTime::UNIX_EPOCH);
                block_on(async {
                    repository.insert(USER, todo(id), None, now).await.unwrap();
                    let id = TodoId(Uuid::from_u128(id));
                    assert!(repository.find(USER, id).await.unwrap().is_some());
                    let patch = TodoPatch { is_completed: Some(true), ..TodoPatch::default() };
                    repository.update(USER, id, patch, VersionMatch::Any, now).await.unwrap();
                    repository.delete(USER, id, VersionMatch::Any, now).await.unwrap();
                });
                // The weakest mode for which only other schema changes wait.
                let modes = "SELECT DISTINCT mode FROM pg_locks WHERE relation = 'todos'::regclass
                    AND mode NOT IN ('AccessShareLock', 'RowExclusiveLock') AND pid =";
                let modes = database.psql(&format!("{modes} {session}"));
                assert_eq!(modes, "ShareUpdateExclusiveLock");
                if number == failing {
                    database.psql(&format!("SELECT pg_cancel_backend({session})"));
                } else {
                    // The next index waits for this one instead.
                    current = reader(&database);
                }
            }
            let error = migration.join().unwrap().unwrap_err();
            assert!(format!("{error:?}").contains("canceling statement"), "{error:?}");
            current.batch_execute("COMMIT").unwrap();
        });
        let left = database.psql(VALID);
        assert_eq!(left.matches("|t").count(), failing, "{left}");
        assert_eq!(left.matches("|f").count(), 1, "{left}");
        assert!(migrate_up(&database).unwrap());
        assert_eq!(database.psql(VALID), ALL_VALID);
    }
}

#[test]
fn reverting_the_indexes_can_be_repeated() {
    let Some((database, repository)) = in_use() else { return };
    database.psql("DROP INDEX todos_by_title");
    revert(&database, INDEXES);
    assert_eq!(database.psql(VALID), "");
    block_on(repository.insert(USER, todo(2), None, DateTime::UNIX_EPOCH)).unwrap();
    assert!(migrate_up(&database).unwrap());
    assert_eq!(database.psql(VALID), ALL_VALID);
}
