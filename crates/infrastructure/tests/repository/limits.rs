//! The constraints that the databases enforce themselves, as the last line of defence.
//!
//! Tested by SQL on a separate connection, because the repository port's types cannot have invalid values.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use todo_infrastructure::{MigrationCommand, migrate};
use todo_test_support::database::TestDatabase;

use crate::common::OPTIONS;

/// A row as SQL expressions: those of a valid todo, some of which a test replaces.
#[derive(Clone)]
struct Row(Vec<(&'static str, String)>);

impl Row {
    /// `id` formats an id, `time` a time given in seconds.
    fn new(id: impl Fn(u128) -> String, time: impl Fn(u32) -> String) -> Self {
        Self(vec![
            ("user_id", id(1)),
            ("id", id(2)),
            ("title", text("title")),
            ("description", text("text")),
            ("is_completed", "false".to_owned()),
            ("created_at", time(20)),
            ("updated_at", time(20)),
            ("version", "1".to_owned()),
            ("title_folded", text("title")),
            ("description_folded", text("text")),
        ])
    }

    fn with(mut self, column: &str, value: impl Into<String>) -> Self {
        let entry = self.0.iter_mut().find(|(name, _)| *name == column).unwrap();
        entry.1 = value.into();
        self
    }

    fn insert(&self) -> String {
        let (columns, values): (Vec<_>, Vec<_>) =
            self.0.iter().map(|(column, value)| (*column, value.as_str())).unzip();
        format!("INSERT INTO todos ({}) VALUES ({})", columns.join(", "), values.join(", "))
    }
}

fn text(text: &str) -> String {
    format!("'{text}'")
}

/// What both databases must accept and reject.
fn assert_rules(row: &Row, early: &str, mut execute: impl FnMut(&str) -> QueryResult<usize>) {
    let mut assert_accepted = |row: Row, what: &str| {
        assert_eq!(execute(&row.insert()), Ok(1), "{what}");
        assert_eq!(execute("DELETE FROM todos"), Ok(1));
    };
    assert_accepted(row.clone(), "a valid todo");
    for character in ["x", "é", "語", "𝄞"] {
        assert_accepted(row.clone().with("title", text(&character.repeat(255))), character);
        assert_accepted(row.clone().with("description", text(&character.repeat(2_000))), character);
        // Folding lengthens some texts.
        assert_accepted(row.clone().with("title_folded", text(&character.repeat(765))), character);
    }
    let both = row.clone().with("description", "NULL").with("description_folded", "NULL");
    assert_accepted(both, "no description");

    let mut assert_rejected = |row: Row, what: &str| {
        let kind = match execute(&row.insert()) {
            Err(Error::DatabaseError(kind, _)) => kind,
            result => panic!("{what}: {result:?}"),
        };
        let expected = match what {
            "null" => DatabaseErrorKind::NotNullViolation,
            _ => DatabaseErrorKind::CheckViolation,
        };
        assert!(
            std::mem::discriminant(&kind) == std::mem::discriminant(&expected),
            "{what}: {kind:?}"
        );
    };
    for character in ["x", "é", "語", "𝄞"] {
        let title = text(&character.repeat(256));
        assert_rejected(row.clone().with("title", title), "a title of 256 characters");
        let description = text(&character.repeat(2_001));
        assert_rejected(row.clone().with("description", description), "a description of 2,001");
    }
    assert_rejected(row.clone().with("title", "''"), "an empty title");
    assert_rejected(row.clone().with("version", "0"), "version 0");
    assert_rejected(row.clone().with("updated_at", early), "changed before it was created");
    assert_rejected(row.clone().with("description_folded", "NULL"), "a description, not folded");
    assert_rejected(row.clone().with("description", "NULL"), "no description, yet folded");
    for (column, _) in &row.0 {
        if !column.starts_with("description") {
            assert_rejected(row.clone().with(column, "NULL"), "null");
        }
    }
}

#[test]
fn postgres_rejects_rows_that_are_no_valid_todos() {
    let Some(database) = TestDatabase::postgres() else { return };
    migrate(&database.url().parse().unwrap(), MigrationCommand::Up, OPTIONS.migrate_timeout)
        .unwrap();
    let mut connection = PgConnection::establish(database.url()).unwrap();
    let row =
        Row::new(|id| format!("'{id:032x}'"), |second| format!("'2026-01-22 10:30:{second}Z'"));
    assert_rules(&row, "'2026-01-22 10:30:19.999999Z'", |sql| {
        diesel::sql_query(sql).execute(&mut connection)
    });
}

#[test]
fn sqlite_rejects_rows_that_are_no_valid_todos() {
    let database = TestDatabase::sqlite();
    migrate(&database.url().parse().unwrap(), MigrationCommand::Up, OPTIONS.migrate_timeout)
        .unwrap();
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let mut connection = SqliteConnection::establish(path).unwrap();
    let row = Row::new(|id| format!("x'{id:032x}'"), |second| format!("{second}000000"));
    let mut execute = |sql: &str| diesel::sql_query(sql).execute(&mut connection);
    assert_rules(&row, "19999999", &mut execute);

    // Without a CHECK, a column in SQLite accepts any type.
    let wrong = [
        ("user_id", "x'00'"),
        ("user_id", "'0123456789abcdef'"),
        ("id", "x'0123456789abcdef0123456789abcdef00'"),
        ("id", "1"),
        ("is_completed", "2"),
        ("is_completed", "'true'"),
        ("created_at", "'2026-01-22T10:30:00Z'"),
        ("updated_at", "20000000.5"),
        ("version", "'one'"),
        ("version", "1.5"),
    ];
    for (column, value) in wrong {
        let result = execute(&row.clone().with(column, value).insert());
        let is_rejected =
            matches!(result, Err(Error::DatabaseError(DatabaseErrorKind::CheckViolation, _)));
        assert!(is_rejected, "{column} = {value}: {result:?}");
    }
}

/// Rows of the other tables that both databases must reject, and SQLite also because of their types.
fn assert_no_other_table_accepts(
    rows: &[(&str, &str)],
    mut execute: impl FnMut(&str) -> QueryResult<usize>,
) {
    for (table, values) in rows {
        let result = execute(&format!("INSERT INTO {table} VALUES ({values})"));
        let is_rejected = matches!(
            result,
            Err(Error::DatabaseError(
                DatabaseErrorKind::CheckViolation
                    | DatabaseErrorKind::NotNullViolation
                    | DatabaseErrorKind::UniqueViolation,
                _
            ))
        );
        assert!(is_rejected, "{table}: {values}: {result:?}");
    }
}

#[test]
fn postgres_rejects_rows_that_are_no_valid_clocks_or_tombstones() {
    let Some(database) = TestDatabase::postgres() else { return };
    migrate(&database.url().parse().unwrap(), MigrationCommand::Up, OPTIONS.migrate_timeout)
        .unwrap();
    let mut connection = PgConnection::establish(database.url()).unwrap();
    let id = format!("'{:032x}'", 1);
    let mut execute = |sql: &str| {
        diesel::sql_query(sql.replace("ID", &id).replace("TIME", "now()")).execute(&mut connection)
    };
    assert_eq!(execute("INSERT INTO user_clocks (user_id, changed_at) VALUES (ID, TIME)"), Ok(1));
    assert_eq!(execute("INSERT INTO tombstones VALUES (ID, ID, 1, TIME, TIME)"), Ok(1));
    assert_no_other_table_accepts(&OTHER_ROWS, execute);
}

/// In place of a valid tombstone and a valid clock, of which there is one each.
const OTHER_ROWS: [(&str, &str); 9] = [
    ("user_clocks (user_id, changed_at)", "ID, TIME"),
    ("user_clocks (user_id, changed_at)", "NULL, TIME"),
    ("user_clocks (user_id, changed_at)", "ID, NULL"),
    ("tombstones", "ID, ID, 1, TIME, TIME"),
    ("tombstones", "NULL, ID, 1, TIME, TIME"),
    ("tombstones", "ID, NULL, 1, TIME, TIME"),
    ("tombstones", "ID, ID, 0, TIME, TIME"),
    ("tombstones", "ID, ID, 1, NULL, TIME"),
    ("tombstones", "ID, ID, 1, TIME, NULL"),
];

#[test]
fn sqlite_rejects_rows_that_are_no_valid_clocks_or_tombstones() {
    let database = TestDatabase::sqlite();
    migrate(&database.url().parse().unwrap(), MigrationCommand::Up, OPTIONS.migrate_timeout)
        .unwrap();
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let mut connection = SqliteConnection::establish(path).unwrap();
    let id = format!("x'{:032x}'", 1);
    let mut execute = |sql: &str| {
        diesel::sql_query(sql.replace("ID", &id).replace("TIME", "1")).execute(&mut connection)
    };
    assert_eq!(execute("INSERT INTO user_clocks (user_id, changed_at) VALUES (ID, TIME)"), Ok(1));
    assert_eq!(execute("INSERT INTO tombstones VALUES (ID, ID, 1, TIME, TIME)"), Ok(1));
    assert_no_other_table_accepts(&OTHER_ROWS, &mut execute);
    // Without a CHECK, a column in SQLite accepts any type.
    let wrong = [
        ("user_clocks", "'0123456789abcdef', TIME, NULL"),
        ("user_clocks", "x'00', TIME, NULL"),
        ("user_clocks", "x'00000000000000000000000000000002', 'now', NULL"),
        ("user_clocks", "x'00000000000000000000000000000002', TIME, 'now'"),
        ("tombstones", "ID, x'02', 1, TIME, TIME"),
        ("tombstones", "x'02', ID, 1, TIME, TIME"),
        ("tombstones", "ID, x'00000000000000000000000000000002', 1.5, TIME, TIME"),
        ("tombstones", "ID, x'00000000000000000000000000000002', 1, 'now', TIME"),
        ("tombstones", "ID, x'00000000000000000000000000000002', 1, TIME, 'now'"),
        ("feed", "x'02', NULL"),
        ("feed", "ID, 'now'"),
    ];
    assert_no_other_table_accepts(&wrong, execute);
}
