//! `migrate up|status|down`, and servers that do not migrate.

use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::{PROGRAM, run};

const MIGRATIONS: [&str; 7] = [
    "2026-01-22-000000_create_todos",
    "2026-03-01-000000_fold_texts_anew",
    "2026-11-21-000000_add_completed_at",
    "2026-11-21-000001_fill_completed_at",
    "2026-11-22-000000_add_user_clocks_and_tombstones",
    "2026-11-23-000000_add_priority_due_and_tags",
    "2026-11-23-000001_index_priority_due_and_title",
];

fn databases() -> impl Iterator<Item = TestDatabase> {
    [Some(TestDatabase::sqlite()), TestDatabase::postgres()].into_iter().flatten()
}

fn migrate(database: &TestDatabase, arguments: &[&str]) -> String {
    let arguments = [&["migrate"], arguments].concat();
    run(&arguments, &[("DATABASE_URL", database.url())]).succeeded().to_owned()
}

fn all(state: &str) -> String {
    MIGRATIONS.map(|name| format!("{state} {name}\n")).concat()
}

#[test]
fn migrations_are_applied_shown_and_reverted() {
    for database in databases() {
        assert_eq!(migrate(&database, &["status"]), all("pending"));
        assert_eq!(migrate(&database, &["up"]), all("applied"));
        // Repeating it has no effect.
        assert_eq!(migrate(&database, &["up"]), all("applied"));
        assert_eq!(migrate(&database, &["status"]), all("applied"));
        let [applied @ .., latest] = MIGRATIONS;
        let applied: String = applied.map(|name| format!("applied {name}\n")).concat();
        assert_eq!(migrate(&database, &["down"]), format!("{applied}pending {latest}\n"));
        let others = (MIGRATIONS.len() - 1).to_string();
        assert_eq!(migrate(&database, &["down", &others]), all("pending"));
        assert_eq!(migrate(&database, &["up"]), all("applied"));
        drop(Server::start(PROGRAM, database.url(), &[("MIGRATE_ON_START", "false")]));
    }
}

#[test]
fn without_migrate_on_start_an_empty_database_is_not_served() {
    for database in databases() {
        assert_eq!(migrate(&database, &["status"]), all("pending"));
        let settings = [("DATABASE_URL", database.url()), ("MIGRATE_ON_START", "false")];
        run(&[], &settings)
            .failed(1, &["DATABASE_URL", MIGRATIONS[0], "migrate up", "MIGRATE_ON_START"]);
        assert_eq!(migrate(&database, &["status"]), all("pending"));
    }
}

#[test]
fn a_server_migrates_when_it_starts() {
    for database in databases() {
        drop(Server::start(PROGRAM, database.url(), &[]));
        assert_eq!(migrate(&database, &["status"]), all("applied"));
    }
}
