//! SQLite's write-ahead log is truncated; while a reader prevents that, the server logs a warning.

use std::fs;
use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value, json};
use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::http::Client;
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::server_with;
use crate::support::wait::until;

/// Each row takes about a page.
const ROWS: u64 = 10_000;
const MIB: u64 = 1024 * 1024;

struct Fixture {
    server: Server,
    user: String,
    database: TestDatabase,
}

impl Fixture {
    /// A server, and a user with many long todos.
    fn new() -> Self {
        let database = TestDatabase::sqlite();
        let server = server_with(database.url(), &[("DATABASE_TIMEOUT", "60s")]);
        let setting = Self { server, user: new_id(), database };
        let user = setting.user.replace('-', "");
        setting
            .connect()
            .batch_execute(&format!(
                "PRAGMA busy_timeout = 10000;
                 WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS})
                 INSERT INTO todos (user_id, id, title, description, is_completed, created_at, updated_at, version,
                     title_folded, description_folded)
                 SELECT x'{user}', randomblob(16), 'number ' || n, printf('%2000s', n), 0, n,
                     n, 1, 'number ' || n, printf('%2000s', n) FROM numbers"
            ))
            .unwrap();
        setting
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(self.database.url().strip_prefix("sqlite://").unwrap())
    }

    fn connect(&self) -> SqliteConnection {
        SqliteConnection::establish(self.path().to_str().unwrap()).unwrap()
    }

    fn wal_bytes(&self) -> u64 {
        fs::metadata(self.path().with_extension("db-wal")).unwrap().len()
    }

    fn change_all(&self, is_completed: bool) {
        let mut client = Client::new(self.server.port(), &self.user);
        let target = format!("{TODOS}?all=true");
        let change = json!({"is_completed": is_completed});
        let response = client.call("PATCH", &target, Some(&change)).unwrap();
        let affected = response.json()["affected"].as_u64();
        assert_eq!((response.status, affected), (200, Some(ROWS)), "{:?}", self.server.logs());
    }

    fn has_warned(&self) -> bool {
        let lines = self.server.logs();
        let mut lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.any(|line| {
            let message = line["fields"]["message"].as_str().unwrap_or_default();
            line["level"] == "WARN" && message.contains("write-ahead log has grown")
        })
    }
}

#[test]
fn after_a_large_change_the_write_ahead_log_is_truncated() {
    let setting = Fixture::new();
    setting.change_all(true);
    until("a short write-ahead log", || setting.wal_bytes() < 4 * MIB);
}

#[test]
fn a_reader_that_makes_the_write_ahead_log_grow_causes_a_warning() {
    let setting = Fixture::new();
    let mut reader = setting.connect();
    reader.batch_execute("BEGIN; SELECT count(*) FROM todos").unwrap();
    let mut is_completed = false;
    until("a warning", || {
        is_completed = !is_completed;
        setting.change_all(is_completed);
        setting.has_warned()
    });
    assert!(setting.wal_bytes() > 32 * MIB, "the reader needs it");
    reader.batch_execute("COMMIT").unwrap();
    until("a short write-ahead log", || setting.wal_bytes() < 4 * MIB);
}
