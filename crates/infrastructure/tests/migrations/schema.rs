//! The committed `schema.rs` of each adapter matches the migrated database.

use todo_infrastructure::{MigrationCommand, migrate};
use todo_test_support::database::TestDatabase;

use crate::common::OPTIONS;
use crate::{lines, url};

/// The columns, as `name nullable type`, in order.
const POSTGRES_COLUMNS: &str = "
    SELECT concat_ws(' ', column_name, is_nullable, data_type) AS line
    FROM information_schema.columns WHERE table_name = 'todos' ORDER BY ordinal_position";

const SQLITE_COLUMNS: &str = "
    SELECT name || ' ' || iif(\"notnull\", 'NO', 'YES') || ' ' || lower(type) AS line
    FROM pragma_table_info('todos') ORDER BY cid";

/// The columns of the primary key, in order.
const POSTGRES_KEY: &str = "
    SELECT column_name AS line FROM information_schema.key_column_usage
    WHERE table_name = 'todos' ORDER BY ordinal_position";

const SQLITE_KEY: &str =
    "SELECT name AS line FROM pragma_table_info('todos') WHERE pk > 0 ORDER BY pk";

/// The types of the two databases, and their names in Diesel.
const TYPES: [(&str, &str); 8] = [
    ("uuid", "Uuid"),
    ("blob", "Binary"),
    ("text", "Text"),
    ("boolean", "Bool"),
    ("bigint", "BigInt"),
    ("timestamp with time zone", "Timestamptz"),
    ("integer", "Integer"),
    ("bytea", "Binary"),
];

/// Compares a `schema.rs` with the catalog of a migrated database.
fn assert_matches(schema: &str, database: &TestDatabase, columns: &str, key: &str) {
    migrate(&url(database), MigrationCommand::Up, OPTIONS.migrate_timeout).unwrap();
    let committed: Vec<_> = schema
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" -> "))
        .map(|(column, definition)| (column.to_owned(), definition.to_owned()))
        .collect();
    let actual: Vec<_> = lines(database, columns)
        .iter()
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().unwrap();
            let (column, nullable, database_type) = (word(), word(), word());
            let known = TYPES.iter().find(|(name, _)| *name == database_type);
            let (_, diesel_type) = known.unwrap_or_else(|| panic!("no type for {line}"));
            let definition = match nullable {
                "YES" => format!("Nullable<{diesel_type}>"),
                _ => (*diesel_type).to_owned(),
            };
            (column.to_owned(), definition)
        })
        .collect();
    assert_eq!(committed, actual);
    let head = format!("todos ({}) {{", lines(database, key).join(", "));
    assert!(schema.lines().any(|line| line.trim() == head), "not found in schema.rs: {head}");
}

#[test]
fn the_postgres_schema_matches_the_database() {
    let Some(database) = TestDatabase::postgres() else { return };
    let schema = include_str!("../../src/postgres/schema.rs");
    assert_matches(schema, &database, POSTGRES_COLUMNS, POSTGRES_KEY);
}

#[test]
fn the_sqlite_schema_matches_the_database() {
    let schema = include_str!("../../src/sqlite/schema.rs");
    assert_matches(schema, &TestDatabase::sqlite(), SQLITE_COLUMNS, SQLITE_KEY);
}
