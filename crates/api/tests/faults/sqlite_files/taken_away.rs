//! Files of SQLite that are deleted, moved or replaced under a running server.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use todo_test_support::directory::TempDirectory;

use super::{File, create, expect_one_line, expect_refused, is_ready, titles};
use crate::crash::expect_integrity;
use crate::support::http::Client;
use crate::support::ledger::new_id;
use crate::support::load::{Load, Plan};
use crate::support::setup::server;
use crate::support::wait::{LIMIT, until};

#[test]
fn after_its_file_is_deleted_nothing_is_acknowledged_and_no_empty_database_takes_its_place() {
    let file = File::new();
    let servers = [server(&file.url()), server(&file.url())];
    let user = new_id();
    for server in &servers {
        assert_eq!(create(&mut Client::new(server.port(), &user), "kept").status, 201);
    }
    fs::remove_file(file.path()).unwrap();
    for server in &servers {
        expect_refused(server, &user);
        expect_one_line(server, "no longer there");
    }
    assert!(!file.path().exists());
}

#[test]
fn a_write_that_is_under_way_when_the_file_is_deleted_is_not_acknowledged() {
    let file = File::new();
    let server = server(&file.url());
    let user = new_id();
    let mut lock = SqliteConnection::establish(file.path().to_str().unwrap()).unwrap();
    lock.batch_execute("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE").unwrap();
    let mut client = Client::new(server.port(), &user);
    let waiting = thread::spawn(move || create(&mut client, "late"));
    // It has most likely begun by then to wait for the lock; if not, it is refused all the sooner.
    thread::sleep(Duration::from_millis(300));
    fs::remove_file(file.path()).unwrap();
    lock.batch_execute("COMMIT").unwrap();
    let answer = waiting.join().unwrap();
    assert!(answer.is_unavailable(), "{answer:?}");
}

/// As docs/operations.md tells people to.
#[test]
fn the_content_of_a_deleted_database_can_be_copied_while_the_server_runs() {
    let file = File::new();
    let user = new_id();
    let broken = server(&file.url());
    if !Path::new("/proc/self/fd").exists() {
        return;
    }
    for title in ["a", "b"] {
        assert_eq!(create(&mut Client::new(broken.port(), &user), title).status, 201);
    }
    for suffix in ["", "-wal", "-shm"] {
        fs::remove_file(file.beside(suffix)).unwrap();
    }
    expect_refused(&broken, &user);
    for entry in fs::read_dir(format!("/proc/{}/fd", broken.pid())).unwrap() {
        let descriptor = entry.unwrap().path();
        let Ok(target) = fs::read_link(&descriptor) else { continue };
        for suffix in ["", "-wal"] {
            if target.to_string_lossy().ends_with(&format!("/todos.db{suffix} (deleted)")) {
                fs::copy(&descriptor, file.beside(suffix)).unwrap();
            }
        }
    }
    expect_refused(&broken, &user);
    broken.kill();

    let server = server(&file.url());
    assert_eq!(titles(&mut Client::new(server.port(), &user)), ["a", "b"]);
    expect_integrity(&file.url());
}

#[test]
fn a_database_that_is_moved_away_and_back_is_used_again_with_all_that_was_acknowledged() {
    let file = File::new();
    let server = server(&file.url());
    let user = new_id();
    let mut client = Client::new(server.port(), &user);
    for title in ["a", "b", "c"] {
        assert_eq!(create(&mut client, title).status, 201);
    }
    for round in 1..=3 {
        fs::rename(file.path(), file.elsewhere()).unwrap();
        expect_refused(&server, &user);
        assert!(!file.path().exists());
        fs::rename(file.elsewhere(), file.path()).unwrap();
        until("readiness", || is_ready(&server));
        assert_eq!(titles(&mut client).len(), 2 + round);
        assert_eq!(create(&mut client, "later").status, 201);
    }
    assert_eq!(titles(&mut client), ["a", "b", "c", "later", "later", "later"]);
    expect_integrity(&file.url());
}

#[test]
fn a_directory_that_is_moved_away_and_back_is_used_again() {
    let outer = TempDirectory::new();
    let (inner, away) = (outer.path().join("data"), outer.path().join("away"));
    fs::create_dir(&inner).unwrap();
    let server = server(&format!("sqlite://{}/todos.db", inner.display()));
    let user = new_id();
    let mut client = Client::new(server.port(), &user);
    assert_eq!(create(&mut client, "a").status, 201);
    fs::rename(&inner, &away).unwrap();
    expect_refused(&server, &user);
    fs::rename(&away, &inner).unwrap();
    until("readiness", || is_ready(&server));
    assert_eq!(create(&mut client, "b").status, 201);
    assert_eq!(titles(&mut client), ["a", "b"]);
}

#[test]
fn another_file_in_its_place_is_not_touched_and_not_used_before_a_restart() {
    let (file, other) = (File::new(), File::new());
    let user = new_id();
    {
        let server = server(&other.url());
        assert_eq!(create(&mut Client::new(server.port(), &user), "of the other").status, 201);
        server.terminate();
        assert!(server.wait_exit(LIMIT).success());
        // A server may end before its threads have closed their connections, and then leaves the log as it is.
        let mut last = SqliteConnection::establish(other.path().to_str().unwrap()).unwrap();
        last.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }
    let server_of_file = server(&file.url());
    assert_eq!(create(&mut Client::new(server_of_file.port(), &user), "of the first").status, 201);
    let content = fs::read(other.path()).unwrap();

    fs::rename(other.path(), file.path()).unwrap();
    expect_refused(&server_of_file, &user);
    expect_one_line(&server_of_file, "another file");
    server_of_file.kill();
    assert!(content == fs::read(file.path()).unwrap(), "the other file was changed");

    for suffix in ["-wal", "-shm"] {
        fs::remove_file(file.beside(suffix)).unwrap();
    }
    let server = server(&file.url());
    assert_eq!(titles(&mut Client::new(server.port(), &user)), ["of the other"]);
}

#[test]
fn what_was_acknowledged_outlives_the_deletion_of_the_write_ahead_log() {
    let file = File::new();
    let user = new_id();
    let broken = server(&file.url());
    let mut client = Client::new(broken.port(), &user);
    for title in ["a", "b", "c"] {
        assert_eq!(create(&mut client, title).status, 201);
    }
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(file.beside(suffix)).unwrap();
    }
    expect_refused(&broken, &user);
    expect_one_line(&broken, "saved");
    broken.kill();

    let server = server(&file.url());
    assert_eq!(titles(&mut Client::new(server.port(), &user)), ["a", "b", "c"]);
    expect_integrity(&file.url());
}

#[test]
fn whatever_moves_or_deletes_files_under_load_what_was_acknowledged_is_kept() {
    let file = File::new();
    let pause_after_failure = Duration::from_millis(10);
    let plan = Plan { pause_after_failure, ..Plan::mixed(16) };
    let mut reports = Vec::new();

    let moved = server(&file.url());
    let load = Load::start(moved.port(), plan);
    for round in 1..=3 {
        load.wait_for_good(200, LIMIT);
        fs::rename(file.path(), file.elsewhere()).unwrap();
        load.wait_for_bad(50 * round, LIMIT);
        fs::rename(file.elsewhere(), file.path()).unwrap();
        until("readiness", || is_ready(&moved));
    }
    load.wait_for_good(200, LIMIT);
    reports.push(load.stop());
    drop(moved);

    for _ in 0..3 {
        let broken = server(&file.url());
        let load = Load::start(broken.port(), plan);
        load.wait_for_good(200, LIMIT);
        for suffix in ["-wal", "-shm"] {
            fs::remove_file(file.beside(suffix)).unwrap();
        }
        load.wait_for_bad(50, LIMIT);
        expect_one_line(&broken, "saved");
        broken.kill();
        reports.push(load.stop());
    }
    let server = server(&file.url());
    for report in &reports {
        report.verify(server.port());
    }
    expect_integrity(&file.url());
}
