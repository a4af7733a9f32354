//! Migrations of a distributed table of Citus, which is simulated.

use todo_infrastructure::{Migration, MigrationCommand, Migrations, migrate, migrate_with};

use crate::{LONG, in_use, is_applied, revert, url};

/// The table by which Citus says that a table is distributed.
pub(crate) const DISTRIBUTED: &str = "CREATE TABLE pg_dist_partition (logicalrelid regclass);
    INSERT INTO pg_dist_partition VALUES ('todos')";

/// Because Citus forwards the whole text of a schema change as one statement.
#[test]
fn a_distributed_table_is_changed_a_statement_at_a_time() {
    let Some((database, _repository)) = in_use() else { return };
    database.psql("CREATE TABLE seen (number serial, query text, xid bigint)");
    database.psql(DISTRIBUTED);
    let note = "INSERT INTO seen (query, xid) VALUES (current_query(), txid_current());";
    let up = format!("-- two; things\n{note}\n{note} DO $$ BEGIN PERFORM 1; END $$;");
    let migration = Migration::sql("2999-01-01-000000_note", &up, "TRUNCATE seen;", true);
    let migrations = Migrations::new(vec![migration]);
    let migrate_test = |command| migrate_with(&url(&database), &migrations, command, LONG).unwrap();
    assert!(is_applied(&migrate_test(MigrationCommand::Up)));
    let note = note.trim_end_matches(';');
    let seen = format!("-- two; things\n{note}\n{note}");
    assert_eq!(database.psql("SELECT query FROM seen ORDER BY number"), seen);
    assert_eq!(database.psql("SELECT count(DISTINCT xid) FROM seen"), "2");
    assert!(!is_applied(&migrate_test(MigrationCommand::Down(1))));
    assert_eq!(database.psql("SELECT count(*) FROM seen"), "0");
    // One of the embedded migrations is written in Rust.
    revert(&database, "fold_texts_anew");
    assert!(is_applied(&migrate(&url(&database), MigrationCommand::Up, LONG).unwrap()));
}
