//! The committed `schema.rs` of each adapter matches the migrated database.

use todo_infrastructure::{MigrationCommand, migrate};
use todo_test_support::database::TestDatabase;

use crate::common::OPTIONS;
use crate::{lines, url};

/// The tables, by name, but for that of the migrations.
const POSTGRES_TABLES: &str = "
    SELECT tablename AS line FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> '__diesel_schema_migrations' ORDER BY 1";

const SQLITE_TABLES: &str = "
    SELECT name AS line FROM sqlite_master
    WHERE type = 'table' AND name <> '__diesel_schema_migrations' ORDER BY 1";

/// The columns of a table, as `name nullable type`, in order.
const POSTGRES_COLUMNS: &str = "
    SELECT concat_ws(' ', column_name, is_nullable, data_type) AS line
    FROM information_schema.columns WHERE table_name = '{TABLE}' ORDER BY ordinal_position";

const SQLITE_COLUMNS: &str = "
    SELECT name || ' ' || iif(\"notnull\", 'NO', 'YES') || ' ' || lower(type) AS line
    FROM pragma_table_info('{TABLE}') ORDER BY cid";

/// The columns of its primary key, in order.
const POSTGRES_KEY: &str = "
    SELECT column_name AS line FROM information_schema.key_column_usage
    WHERE table_name = '{TABLE}' ORDER BY ordinal_position";

const SQLITE_KEY: &str =
    "SELECT name AS line FROM pragma_table_info('{TABLE}') WHERE pk > 0 ORDER BY pk";

/// The types of the two databases, and their names in Diesel.
const TYPES: [(&str, &str); 9] = [
    ("uuid", "Uuid"),
    ("blob", "Binary"),
    ("text", "Text"),
    ("boolean", "Bool"),
    ("smallint", "Int2"),
    ("bigint", "BigInt"),
    ("timestamp with time zone", "Timestamptz"),
    ("integer", "Integer"),
    ("bytea", "Binary"),
];

/// A column of the catalog as in a `schema.rs`.
fn declaration(line: &str) -> String {
    let [column, nullable, database_type] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else {
        panic!("{line}");
    };
    let known = TYPES.iter().find(|(name, _)| *name == database_type);
    let (_, diesel_type) = known.unwrap_or_else(|| panic!("no type for {line}"));
    match nullable {
        "YES" => format!("{column} -> Nullable<{diesel_type}>,"),
        _ => format!("{column} -> {diesel_type},"),
    }
}

/// Compares a `schema.rs` with the catalog of a migrated database.
fn assert_matches(schema: &str, database: &TestDatabase, [tables, columns, key]: [&str; 3]) {
    migrate(&url(database), MigrationCommand::Up, OPTIONS.migrate_timeout).unwrap();
    let is_declaration = |line: &&str| line.ends_with(") {") || line.contains(" -> ");
    let committed: Vec<_> = schema.lines().map(str::trim).filter(is_declaration).collect();
    let actual = lines(database, tables).into_iter().flat_map(|table| {
        let of_table = |query: &str| lines(database, &query.replace("{TABLE}", &table));
        let head = format!("{table} ({}) {{", of_table(key).join(", "));
        let columns = of_table(columns).into_iter().map(|line| declaration(&line));
        [head].into_iter().chain(columns).collect::<Vec<_>>()
    });
    assert_eq!(committed, actual.collect::<Vec<_>>());
}

#[test]
fn the_postgres_schema_matches_the_database() {
    let Some(database) = TestDatabase::postgres() else { return };
    let schema = include_str!("../../src/postgres/schema.rs");
    assert_matches(schema, &database, [POSTGRES_TABLES, POSTGRES_COLUMNS, POSTGRES_KEY]);
}

#[test]
fn the_sqlite_schema_matches_the_database() {
    let schema = include_str!("../../src/sqlite/schema.rs");
    assert_matches(schema, &TestDatabase::sqlite(), [SQLITE_TABLES, SQLITE_COLUMNS, SQLITE_KEY]);
}
