//! SQLite files that are deleted, moved or replaced under a running server.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use todo_test_support::directory::TempDirectory;

use super::{File, create, expect_one_line, expect_unavailable, is_ready, titles};
use crate::crash::expect_integrity;
use crate::support::http::Client;
use crate::support::ledger::new_id;
use crate::support::load::{Load, Plan};
use crate::support::setup::server;
use crate::support::wait::{HANG_TIMEOUT, until};

#[test]
fn after_its_file_is_deleted_nothing_is_acknowledged_and_no_empty_database_is_created() {
    let file = File::new();
    let servers = [server(&file.url()), server(&file.url())];
    let user = new_id();
    for server in &servers {
        assert_eq!(create(&mut Client::new(server.port(), &user), "kept").status, 201);
    }
    fs::remove_file(file.path()).unwrap();
    for server in &servers {
        expect_unavailable(server, &user);
        expect_one_line(server, "no longer there");
    }
    assert!(!file.path().exists());
}

#[test]
fn a_write_in_progress_when_the_file_is_deleted_is_not_acknowledged() {
    let file = File::new();
    let server = server(&file.url());
    let user = new_id();
    let mut lock = SqliteConnection::establish(file.path().to_str().unwrap()).unwrap();
    lock.batch_execute("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE").unwrap();
    let mut client = Client::new(server.port(), &user);
    let waiting = thread::spawn(move || create(&mut client, "late"));
    // By then the write is probably waiting for the lock; otherwise it fails even earlier.
    thread::sleep(Duration::from_millis(300));
    fs::remove_file(file.path()).unwrap();
    lock.batch_execute("COMMIT").unwrap();
    let response = waiting.join().unwrap();
    assert!(response.is_unavailable(), "{response:?}");
}

/// As docs/operations.md describes.
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
        fs::remove_file(file.with_suffix(suffix)).unwrap();
    }
    expect_unavailable(&broken, &user);
    for entry in fs::read_dir(format!("/proc/{}/fd", broken.pid())).unwrap() {
        let descriptor = entry.unwrap().path();
        let Ok(target) = fs::read_link(&descriptor) else { continue };
        for suffix in ["", "-wal"] {
            if target.to_string_lossy().ends_with(&format!("/todos.db{suffix} (deleted)")) {
                fs::copy(&descriptor, file.with_suffix(suffix)).unwrap();
            }
        }
    }
    expect_unavailable(&broken, &user);
    broken.kill();

    let server = server(&file.url());
    assert_eq!(titles(&mut Client::new(server.port(), &user)), ["a", "b"]);
    expect_integrity(&file.url());
}

#[test]
fn a_database_that_is_moved_away_and_back_is_used_again_with_all_acknowledged_writes() {
    let file = File::new();
    let server = server(&file.url());
    let user = new_id();
    let mut client = Client::new(server.port(), &user);
    for title in ["a", "b", "c"] {
        assert_eq!(create(&mut client, title).status, 201);
    }
    for round in 1..=3 {
        fs::rename(file.path(), file.other_path()).unwrap();
        expect_unavailable(&server, &user);
        assert!(!file.path().exists());
        fs::rename(file.other_path(), file.path()).unwrap();
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
    expect_unavailable(&server, &user);
    fs::rename(&away, &inner).unwrap();
    until("readiness", || is_ready(&server));
    assert_eq!(create(&mut client, "b").status, 201);
    assert_eq!(titles(&mut client), ["a", "b"]);
}

#[test]
fn a_replacement_file_is_not_changed_and_not_used_before_a_restart() {
    let (file, other) = (File::new(), File::new());
    let user = new_id();
    {
        let server = server(&other.url());
        assert_eq!(create(&mut Client::new(server.port(), &user), "of the other").status, 201);
        server.terminate();
        assert!(server.wait_exit(HANG_TIMEOUT).success());
        // A server may exit before its threads have closed their connections, and then leaves the write-ahead log.
        let mut last = SqliteConnection::establish(other.path().to_str().unwrap()).unwrap();
        last.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }
    let server_of_file = server(&file.url());
    assert_eq!(create(&mut Client::new(server_of_file.port(), &user), "of the first").status, 201);
    let content = fs::read(other.path()).unwrap();

    fs::rename(other.path(), file.path()).unwrap();
    expect_unavailable(&server_of_file, &user);
    expect_one_line(&server_of_file, "another file");
    server_of_file.kill();
    assert!(content == fs::read(file.path()).unwrap(), "the other file was changed");

    for suffix in ["-wal", "-shm"] {
        fs::remove_file(file.with_suffix(suffix)).unwrap();
    }
    let server = server(&file.url());
    assert_eq!(titles(&mut Client::new(server.port(), &user)), ["of the other"]);
}

#[test]
fn acknowledged_writes_survive_the_deletion_of_the_write_ahead_log() {
    let file = File::new();
    let user = new_id();
    let broken = server(&file.url());
    let mut client = Client::new(broken.port(), &user);
    for title in ["a", "b", "c"] {
        assert_eq!(create(&mut client, title).status, 201);
    }
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(file.with_suffix(suffix)).unwrap();
    }
    expect_unavailable(&broken, &user);
    expect_one_line(&broken, "saved");
    broken.kill();

    let server = server(&file.url());
    assert_eq!(titles(&mut Client::new(server.port(), &user)), ["a", "b", "c"]);
    expect_integrity(&file.url());
}

#[test]
fn acknowledged_writes_survive_moved_and_deleted_files_under_load() {
    let file = File::new();
    let pause_after_failure = Duration::from_millis(10);
    let plan = Plan { pause_after_failure, ..Plan::mixed(16) };
    let mut reports = Vec::new();

    let moved = server(&file.url());
    let load = Load::start(moved.port(), plan);
    for round in 1..=3 {
        load.wait_for_successes(200, HANG_TIMEOUT);
        fs::rename(file.path(), file.other_path()).unwrap();
        load.wait_for_failures(50 * round, HANG_TIMEOUT);
        fs::rename(file.other_path(), file.path()).unwrap();
        until("readiness", || is_ready(&moved));
    }
    load.wait_for_successes(200, HANG_TIMEOUT);
    reports.push(load.stop());
    drop(moved);

    for _ in 0..3 {
        let broken = server(&file.url());
        let load = Load::start(broken.port(), plan);
        load.wait_for_successes(200, HANG_TIMEOUT);
        for suffix in ["-wal", "-shm"] {
            fs::remove_file(file.with_suffix(suffix)).unwrap();
        }
        load.wait_for_failures(50, HANG_TIMEOUT);
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
