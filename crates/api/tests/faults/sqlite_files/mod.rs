//! The files of SQLite: who may read them, and what others may do with them.

mod taken_away;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value, json};
use todo_test_support::directory::TempDirectory;
use todo_test_support::server::Server;

use crate::support::http::{Answer, Client};
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::server;
use crate::support::wait::{LIMIT, until};

const READY: &str = "/health/ready";

/// A database file of a test's own, which the test may move.
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

    /// The files that SQLite keeps beside it.
    fn beside(&self, suffix: &str) -> PathBuf {
        self.directory.path().join(format!("todos.db{suffix}"))
    }

    fn elsewhere(&self) -> PathBuf {
        self.directory.path().join("elsewhere.db")
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn create(client: &mut Client, title: &str) -> Answer {
    client.call("POST", TODOS, Some(&json!({"title": title}))).unwrap()
}

fn titles(client: &mut Client) -> Vec<String> {
    let answer = client.get(TODOS).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let list = answer.json();
    let titles = list["items"].as_array().unwrap().iter();
    let mut titles: Vec<_> = titles.map(|it| it["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

/// No write is acknowledged from now on; reads and readiness follow as soon as somebody has looked.
#[track_caller]
fn expect_refused(server: &Server, user: &str) {
    let mut client = Client::new(server.port(), user);
    let answer = create(&mut client, "refused");
    assert!(answer.is_unavailable(), "a write was answered by {answer:?}");
    for target in [TODOS, READY] {
        let answer = client.get(target).unwrap();
        assert!(answer.is_unavailable(), "{target} was answered by {answer:?}");
    }
    assert_eq!(client.get("/health").unwrap().status, 200);
}

/// What the server has logged about its files, not counting a line for each refused request.
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
    // Many more refusals, no more lines.
    let mut client = Client::new(server.port(), &new_id());
    for _ in 0..50 {
        create(&mut client, "refused");
    }
    let lines = lines_about_files(server);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains(part), "{lines:?}");
}

#[test]
fn a_new_database_is_readable_by_its_owner_only() {
    let file = File::new();
    let server = server(&file.url());
    assert_eq!(create(&mut Client::new(server.port(), &new_id()), "secret").status, 201);
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&file.beside(suffix)), 0o600, "todos.db{suffix}");
    }
}

#[test]
fn the_mode_of_a_database_that_exists_is_left_alone() {
    let file = File::new();
    fs::write(file.path(), "").unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let server = server(&file.url());
    assert_eq!(create(&mut Client::new(server.port(), &new_id()), "shared").status, 201);
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&file.beside(suffix)), 0o640, "todos.db{suffix}");
    }
}

#[test]
fn a_database_is_created_where_a_symbolic_link_leads() {
    let file = File::new();
    std::os::unix::fs::symlink("elsewhere.db", file.path()).unwrap();
    let user = new_id();
    let server = server(&file.url());
    assert_eq!(create(&mut Client::new(server.port(), &user), "behind a link").status, 201);
    assert_eq!(mode(&file.elsewhere()), 0o600);

    fs::rename(file.elsewhere(), file.directory.path().join("away.db")).unwrap();
    expect_refused(&server, &user);
    fs::rename(file.directory.path().join("away.db"), file.elsewhere()).unwrap();
    until("readiness", || is_ready(&server));
}

fn is_ready(server: &Server) -> bool {
    Client::new(server.port(), &new_id()).get(READY).unwrap().status == 200
}

#[test]
fn what_others_may_do_with_the_file_is_no_alarm() {
    let file = File::new();
    let server_of_file = server(&file.url());
    let user = new_id();
    let mut client = Client::new(server_of_file.port(), &user);
    assert_eq!(create(&mut client, "a").status, 201);

    let beside = server(&file.url());
    assert_eq!(create(&mut Client::new(beside.port(), &user), "b").status, 201);
    beside.terminate();
    assert!(beside.wait_exit(LIMIT).success());

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
