//! SQLite's files: their permissions, and what other programs may do with them.

mod moved_or_deleted;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value, json};
use todo_test_support::directory::TempDirectory;
use todo_test_support::server::Server;

use crate::support::http::{Client, Response};
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::server;
use crate::support::wait::{HANG_TIMEOUT, until};

const READY: &str = "/health/ready";

/// A database file that the test may move.
struct File {
    directory: TempDirectory,
}

impl File {
    fn new() -> Self {
        Self { directory: TempDirectory::new() }
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("todos.db")
    }

    /// The database file, or with a suffix one of the files that SQLite keeps next to it.
    fn with_suffix(&self, suffix: &str) -> PathBuf {
        self.directory.path().join(format!("todos.db{suffix}"))
    }

    fn other_path(&self) -> PathBuf {
        self.directory.path().join("elsewhere.db")
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn create(client: &mut Client, title: &str) -> Response {
    client.call("POST", TODOS, Some(&json!({"title": title}))).unwrap()
}

fn titles(client: &mut Client) -> Vec<String> {
    let response = client.get(TODOS).unwrap();
    assert_eq!(response.status, 200, "{response:?}");
    let list = response.json();
    let titles = list["items"].as_array().unwrap().iter();
    let mut titles: Vec<_> = titles.map(|it| it["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

/// From now on no write is acknowledged; reads and readiness fail after the server's next check of the files.
#[track_caller]
fn expect_unavailable(server: &Server, user: &str) {
    let mut client = Client::new(server.port(), user);
    let response = create(&mut client, "refused");
    assert!(response.is_unavailable(), "a write was answered with {response:?}");
    for target in [TODOS, READY] {
        let response = client.get(target).unwrap();
        assert!(response.is_unavailable(), "{target} was answered with {response:?}");
    }
    assert_eq!(client.get("/health").unwrap().status, 200);
}

/// The server's log lines about its files, without those about single requests.
fn lines_about_files(server: &Server) -> Vec<String> {
    let lines = server.logs();
    let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["target"] == "todo_infrastructure::sqlite::watcher")
        .map(|line| line["fields"]["message"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[track_caller]
fn expect_one_line(server: &Server, part: &str) {
    until("the line of the log", || !lines_about_files(server).is_empty());
    // Many more failed calls add no line.
    let mut client = Client::new(server.port(), &new_id());
    for _ in 0..50 {
        create(&mut client, "refused");
    }
    let lines = lines_about_files(server);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains(part), "{lines:?}");
}

#[test]
fn a_new_database_is_readable_only_by_its_owner() {
    let file = File::new();
    let server = server(&file.url());
    assert_eq!(create(&mut Client::new(server.port(), &new_id()), "secret").status, 201);
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&file.with_suffix(suffix)), 0o600, "todos.db{suffix}");
    }
}

#[test]
fn the_mode_of_an_existing_database_is_not_changed() {
    let file = File::new();
    fs::write(file.path(), "").unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let server = server(&file.url());
    assert_eq!(create(&mut Client::new(server.port(), &new_id()), "shared").status, 201);
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&file.with_suffix(suffix)), 0o640, "todos.db{suffix}");
    }
}

#[test]
fn a_database_is_created_at_the_target_of_a_symbolic_link() {
    let file = File::new();
    std::os::unix::fs::symlink("elsewhere.db", file.path()).unwrap();
    let user = new_id();
    let server = server(&file.url());
    assert_eq!(create(&mut Client::new(server.port(), &user), "behind a link").status, 201);
    assert_eq!(mode(&file.other_path()), 0o600);

    fs::rename(file.other_path(), file.directory.path().join("away.db")).unwrap();
    expect_unavailable(&server, &user);
    fs::rename(file.directory.path().join("away.db"), file.other_path()).unwrap();
    until("readiness", || is_ready(&server));
}

fn is_ready(server: &Server) -> bool {
    Client::new(server.port(), &new_id()).get(READY).unwrap().status == 200
}

#[test]
fn regular_use_of_the_file_by_others_causes_no_alarm() {
    let file = File::new();
    let server_of_file = server(&file.url());
    let user = new_id();
    let mut client = Client::new(server_of_file.port(), &user);
    assert_eq!(create(&mut client, "a").status, 201);

    let with_suffix = server(&file.url());
    assert_eq!(create(&mut Client::new(with_suffix.port(), &user), "b").status, 201);
    with_suffix.terminate();
    assert!(with_suffix.wait_exit(HANG_TIMEOUT).success());

    let copy = file.directory.path().join("copy.db");
    let mut other = SqliteConnection::establish(file.path().to_str().unwrap()).unwrap();
    let statements = format!(
        "PRAGMA busy_timeout = 10000; VACUUM; VACUUM INTO '{}'; PRAGMA wal_checkpoint(TRUNCATE)",
        copy.display()
    );
    other.batch_execute(&statements).unwrap();
    drop(other);

    assert_eq!(create(&mut client, "c").status, 201);
    assert_eq!(titles(&mut client), ["a", "b", "c"]);
    assert!(is_ready(&server_of_file));
    assert_eq!(lines_about_files(&server_of_file), Vec::<String>::new());
}
