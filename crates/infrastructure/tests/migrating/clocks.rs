//! The migration that adds owners' clocks: nobody waits for it, and it distributes its tables if todos is distributed.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use todo_infrastructure::{MigrationCommand, OpenError, migrate};
use todo_test_support::database::TestDatabase;

use crate::distributed::DISTRIBUTED;
use crate::{LONG, before as before_migration, is_applied, url};

const UP: &str = include_str!(
    "../../../../migrations/postgres/2026-11-22-000000_add_user_clocks_and_tombstones/up.sql"
);

/// The functions of Citus, which note their calls.
const CITUS: &str = "
    CREATE TABLE calls (number serial, call text);
    CREATE FUNCTION create_distributed_table(table_name regclass, distribution_column text, colocate_with text)
    RETURNS void LANGUAGE sql AS $$
        INSERT INTO calls (call) VALUES (concat_ws(' ', table_name, distribution_column, colocate_with))
    $$;
    CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void LANGUAGE sql AS $$
        INSERT INTO calls (call) VALUES (table_name::text)
    $$;";

const CALLS: &str = "SELECT call FROM calls ORDER BY number";

fn before() -> Option<TestDatabase> {
    before_migration("add_user_clocks_and_tombstones")
}

fn migrate_up(database: &TestDatabase) -> Result<bool, OpenError> {
    migrate(&url(database), MigrationCommand::Up, LONG).map(|status| is_applied(&status))
}

#[test]
fn it_waits_for_nobody_who_reads_or_writes_todos() {
    let Some(database) = before() else { return };
    let mut others = [(); 2].map(|()| PgConnection::establish(database.url()).unwrap());
    others[0].batch_execute("BEGIN; SELECT * FROM todos").unwrap();
    others[1].batch_execute("BEGIN; UPDATE todos SET version = version + 1").unwrap();
    // Not the later migrations, which do wait. The limit only ends a hang.
    database.psql(&format!("SET lock_timeout = '10s'; {UP}"));
}

#[test]
fn nobody_who_reads_or_writes_todos_waits_for_it() {
    let Some(database) = before() else { return };
    let mut migration = PgConnection::establish(database.url()).unwrap();
    migration.batch_execute("BEGIN").unwrap();
    migration.batch_execute(UP).unwrap();
    // Other calls run before it commits. The limit only ends a hang.
    database.psql(
        "SET lock_timeout = '10s'; SELECT * FROM todos; UPDATE todos SET version = version + 1;
         INSERT INTO todos (user_id, id, title, is_completed, created_at, updated_at, version, title_folded)
         VALUES (gen_random_uuid(), gen_random_uuid(), 'title', false, now(), now(), 1, 'title');
         DELETE FROM todos",
    );
    let locks = database.psql(
        "SELECT DISTINCT mode FROM pg_locks WHERE relation = 'todos'::regclass AND pid <> pg_backend_pid()",
    );
    assert_eq!(locks, "AccessShareLock");
    migration.batch_execute("COMMIT").unwrap();
}

#[test]
fn its_tables_are_distributed_if_todos_is() {
    let Some(database) = before() else { return };
    database.psql(CITUS);
    database.psql(DISTRIBUTED);
    assert!(migrate_up(&database).unwrap());
    assert_eq!(database.psql(CALLS), "user_clocks user_id todos\ntombstones user_id todos\nfeed");
}

#[test]
fn its_tables_are_local_if_todos_is() {
    let Some(database) = before() else { return };
    database.psql(CITUS);
    database.psql("CREATE TABLE pg_dist_partition (logicalrelid regclass)");
    assert!(migrate_up(&database).unwrap());
    assert_eq!(database.psql(CALLS), "");
}

/// On Citus, each statement is a transaction.
#[test]
fn it_can_be_repeated_after_it_failed_halfway() {
    let Some(database) = before() else { return };
    database.psql(CITUS);
    database.psql(DISTRIBUTED);
    database.psql("ALTER FUNCTION create_reference_table RENAME TO away");
    assert!(migrate_up(&database).is_err());
    database.psql("ALTER FUNCTION away RENAME TO create_reference_table");
    assert!(migrate_up(&database).unwrap());
    assert_eq!(database.psql(CALLS), "user_clocks user_id todos\ntombstones user_id todos\nfeed");
    assert_eq!(database.psql("SELECT count(*) FROM feed"), "1");
    assert_eq!(database.psql("SELECT count(*) FROM user_clocks"), "1");
}
