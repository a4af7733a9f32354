//! Migrations can be reverted and applied again.

use todo_infrastructure::{MigrationCommand, migrate};
use todo_test_support::database::TestDatabase;

use crate::common::OPTIONS;
use crate::{lines, url};

/// The catalog's description of the tables: columns, constraints, indexes.
const POSTGRES_SCHEMA: &str = "
    SELECT concat_ws(' ', 'column', table_name, ordinal_position, column_name, data_type, is_nullable, column_default,
        collation_name) AS line
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT concat_ws(' ', 'relation', relname, relkind::text) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
    ORDER BY 1";

const SQLITE_SCHEMA: &str =
    "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS line FROM sqlite_master ORDER BY 1";

fn assert_reversible(database: &TestDatabase, schema: &str) {
    let url = url(database);
    let is_applied = |command| -> Vec<bool> {
        migrate(&url, command, OPTIONS.migrate_timeout)
            .unwrap()
            .iter()
            .map(|it| it.is_applied)
            .collect()
    };
    assert!(is_applied(MigrationCommand::Status).iter().all(|it| !it));
    assert!(is_applied(MigrationCommand::Up).iter().all(|it| *it));
    let first = lines(database, schema);
    let shows = |name| first.iter().any(|line| line.contains(name));
    assert!(shows("todos_by_update") && shows("length(title)"), "{first:#?}");
    assert!(shows("user_clocks") && shows("tombstones_by_deletion"), "{first:#?}");
    assert!(shows("tags_folded") && shows("todos_by_due"), "{first:#?}");

    // A number larger than there are migrations reverts all.
    assert!(is_applied(MigrationCommand::Down(1_000)).iter().all(|it| !it));
    let left = lines(database, schema);
    assert!(left.iter().all(|line| line.contains("__diesel_schema_migrations")), "{left:#?}");

    assert!(is_applied(MigrationCommand::Up).iter().all(|it| *it));
    assert_eq!(lines(database, schema), first);
    // Without pending migrations it does nothing.
    assert!(is_applied(MigrationCommand::Up).iter().all(|it| *it));
    assert_eq!(lines(database, schema), first);
}

#[test]
fn up_down_and_up_again_leaves_the_same_postgres_schema() {
    let Some(database) = TestDatabase::postgres() else { return };
    assert_reversible(&database, POSTGRES_SCHEMA);
}

#[test]
fn up_down_and_up_again_leaves_the_same_sqlite_schema() {
    assert_reversible(&TestDatabase::sqlite(), SQLITE_SCHEMA);
}
