//! SQLite finds no room to write.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use todo_test_support::database::TestDatabase;
use todo_test_support::directory::TempDirectory;
use todo_test_support::reaper;
use todo_test_support::server::Server;

use crate::crash::expect_integrity;
use crate::support::http::{Client, HANGS};
use crate::support::ledger::{TODOS, new_id};
use crate::support::load::{Load, Plan};
use crate::support::program;
use crate::support::setup::{BINARY, server};

/// A limit on the size of files is a full disk that needs no privilege. Ignoring the signal makes it an error.
const SMALL_FILES: &str = "trap '' XFSZ\nulimit -S -f 1000\n";

#[test]
fn sqlite_without_room_refuses_writes_loses_nothing_and_goes_on_when_there_is_room() {
    let Some(prlimit) = program::find("prlimit", "the test of files that cannot grow") else {
        return;
    };
    let database = TestDatabase::sqlite();
    let directory = TempDirectory::new();
    let script = directory.path().join("server");
    fs::write(&script, format!("#!/bin/sh\n{SMALL_FILES}exec '{BINARY}' \"$@\"\n")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let patient = [("DATABASE_TIMEOUT", "30s")];
    let server = Server::start(&script, database.url(), &patient);
    fill_up(&server, database.url(), || {
        let pid = server.pid().to_string();
        program::run(&prlimit, directory.path(), &["--pid", &pid, "--fsize=unlimited"]);
    });
}

/// The same on a file system that is really full, where one may be mounted.
#[test]
fn sqlite_on_a_full_disk_refuses_writes_loses_nothing_and_goes_on_when_there_is_room() {
    let directory = TempDirectory::new();
    let Some(_disk) = Disk::mount(directory.path()) else { return };
    let filler = directory.path().join("filler");
    fs::write(&filler, vec![0; 13 * 1024 * 1024]).unwrap();
    let url = format!("sqlite://{}/todos.db", directory.path().display());
    let server = server(&url);
    fill_up(&server, &url, || fs::remove_file(&filler).unwrap());
}

/// Writes until there is no room, makes some, and writes on.
fn fill_up(server: &Server, url: &str, make_room: impl FnOnce()) {
    let pause_after_failure = Duration::from_millis(10);
    let load = Load::start(server.port(), Plan { pause_after_failure, ..Plan::creates(8) });
    load.wait_for_bad(50, HANGS);
    let mut reader = Client::new(server.port(), &new_id());
    assert_eq!(reader.get(TODOS).unwrap().status, 200, "it is still read");
    make_room();
    load.wait_for_good(500, HANGS);
    let report = load.stop();
    report.expect_no_flaws().verify(server.port());
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
    /// Mounts one; `None` where that is not allowed.
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
        // The server, which lives longer, may still have files there.
        let _ = std::process::Command::new("umount").args(["-l", &self.at]).status();
    }
}
