//! SQLite on a full disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use todo_test_support::database::TestDatabase;
use todo_test_support::directory::TempDirectory;
use todo_test_support::reaper;
use todo_test_support::server::Server;

use crate::crash::expect_integrity;
use crate::support::http::{Client, HANG_TIMEOUT};
use crate::support::ledger::{TODOS, new_id};
use crate::support::load::{Load, Plan};
use crate::support::program;
use crate::support::setup::{BINARY, server};

/// A limit on file sizes simulates a full disk without privileges. With the signal ignored, exceeding it is an error.
const SMALL_FILES: &str = "trap '' XFSZ\nulimit -S -f 1000\n";

#[test]
fn sqlite_at_the_file_size_limit_rejects_writes_loses_nothing_and_recovers() {
    let Some(prlimit) = program::find("prlimit", "the test of files that cannot grow") else {
        return;
    };
    let database = TestDatabase::sqlite();
    let directory = TempDirectory::new();
    let script = directory.path().join("server");
    fs::write(&script, format!("#!/bin/sh\n{SMALL_FILES}exec '{BINARY}' \"$@\"\n")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let settings = [("DATABASE_TIMEOUT", "30s")];
    let server = Server::start(&script, database.url(), &settings);
    fill_disk(&server, database.url(), || {
        let pid = server.pid().to_string();
        program::run(&prlimit, directory.path(), &["--pid", &pid, "--fsize=unlimited"]);
    });
}

/// The same on a file system that is really full, where mounting is permitted.
#[test]
fn sqlite_on_a_full_disk_rejects_writes_loses_nothing_and_recovers() {
    let directory = TempDirectory::new();
    let Some(_disk) = Disk::mount(directory.path()) else { return };
    let filler = directory.path().join("filler");
    fs::write(&filler, vec![0; 13 * 1024 * 1024]).unwrap();
    let url = format!("sqlite://{}/todos.db", directory.path().display());
    let server = server(&url);
    fill_disk(&server, &url, || fs::remove_file(&filler).unwrap());
}

/// Writes until the disk is full, frees space, and writes again.
fn fill_disk(server: &Server, url: &str, free_space: impl FnOnce()) {
    let pause_after_failure = Duration::from_millis(10);
    let load = Load::start(server.port(), Plan { pause_after_failure, ..Plan::creates(8) });
    load.wait_for_failures(50, HANG_TIMEOUT);
    let mut reader = Client::new(server.port(), &new_id());
    assert_eq!(reader.get(TODOS).unwrap().status, 200, "it is still read");
    free_space();
    load.wait_for_successes(500, HANG_TIMEOUT);
    let report = load.stop();
    report.assert_no_errors().verify(server.port());
    assert!(report.count(503) >= 50);
    assert!(report.created() > 0, "nothing was acknowledged");
    expect_integrity(url);
}

/// A file system of 16 MiB.
struct Disk {
    at: String,
    _at_exit: reaper::AtExit,
}

impl Disk {
    /// Mounts one; `None` if that is not permitted.
    fn mount(at: &Path) -> Option<Self> {
        let at = at.to_str().unwrap().to_owned();
        let at_exit = reaper::run_at_exit(&format!("umount -l {at}"));
        let mut mount = std::process::Command::new("mount");
        let mount = mount.args(["-t", "tmpfs", "-o", "size=16m,mode=0755", "none", &at]).output();
        mount.is_ok_and(|it| it.status.success()).then_some(Self { at, _at_exit: at_exit })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, because the server lives longer and may still have open files there.
        let _ = std::process::Command::new("umount").args(["-l", &self.at]).status();
    }
}
