//! Programs and limits that a test needs and a machine may lack.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use crate::clients::http::HANG_TIMEOUT;
use crate::directory::{self, TempDirectory};
use crate::process;
use crate::reaper::{self, AtExit};

/// How many files a process may open in addition to its connections.
const RESERVE: usize = 2_000;

/// Whether this is a CI run, in which no test may be skipped.
#[must_use]
pub fn is_ci() -> bool {
    env::var("CI").is_ok_and(|it| it == "true" || it == "1")
}

/// Prints that a test was skipped, and why. Panics in CI.
pub fn skipped(what: &str, why: &str) {
    assert!(!is_ci(), "{what} skipped: {why}");
    // Not `eprintln!`, because the test harness captures that.
    let _ = writeln!(std::io::stderr(), "note: {what} skipped: {why}");
}

/// Finds a program by name. If it is not installed, prints a note and returns `None`; panics in CI.
#[must_use]
pub fn find(name: &str, what: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = directories.map(|it| it.join(name)).find(|it| it.is_file());
    if found.is_none() {
        skipped(
            what,
            &format!("no {name} found in PATH or /usr/sbin (Debian: apt-get install {name})"),
        );
    }
    found
}

/// Runs a program that is expected to succeed.
#[track_caller]
pub fn run(program: &Path, directory: &Path, args: &[&str]) {
    let mut command = Command::new(program);
    let output =
        command.args(args).current_dir(directory).stdin(Stdio::null()).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{} {args:?}: {text}", program.display());
}

/// A background process, which ends with this value or with the test process.
#[derive(Debug)]
pub struct Running {
    child: Child,
    _at_exit: AtExit,
    _directory: TempDirectory,
}

impl Running {
    /// Starts a program that refuses to run as root, in a directory that every user can read.
    #[must_use]
    pub fn start(program: &Path, args: &[&str], directory: TempDirectory) -> Self {
        let mut command = process::gated("/bin/sh");
        // Only root may, and has to, switch users.
        command.args([
            "-c",
            r#"if [ "$(id -u)" = 0 ]; then
                   set -- setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups "$@"
               fi
               exec "$@""#,
            "sh",
        ]);
        command.arg(program).args(args).current_dir(directory.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let (child, at_exit) = process::spawn(command, reaper::kill_at_exit);
        Self { child, _at_exit: at_exit, _directory: directory }
    }

    /// Sends it a signal by name, such as `HUP`.
    pub fn signal(&self, name: &str) {
        process::signal(self.child.id(), name);
    }

    /// Waits until a process listens on this port.
    #[track_caller]
    pub fn wait_for_port(port: u16) {
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < HANG_TIMEOUT, "nothing listens on {port}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Neither can fail for a child that has not been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A free port, below the range of ephemeral ports. Otherwise a client that reconnects while a server is down might be
/// assigned the server's port.
#[must_use]
pub fn free_port() -> u16 {
    loop {
        let port = u16::try_from(15_000 + directory::random() % 15_000).expect("below 30,000");
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Raises the limits of open files of this process and of the server, so that both can have this many connections. If
/// that is not permitted, prints a note and returns false; panics in CI.
#[must_use]
pub fn can_open(connections: usize, server: u32, what: &str) -> bool {
    let needed = connections + RESERVE;
    let can = [std::process::id(), server].into_iter().all(|pid| {
        raise_limit(pid, needed);
        max_open_files(pid).is_none_or(|it| it >= needed)
    });
    if !can {
        skipped(what, &format!("{connections} connections are more than a process may open"));
    }
    can
}

/// Raises the limit of open files, if it is lower and that is permitted.
fn raise_limit(pid: u32, needed: usize) {
    if max_open_files(pid).is_none_or(|it| it >= needed) {
        return;
    }
    if let Some(prlimit) = find("prlimit", "raising the limit of open files") {
        let mut command = Command::new(prlimit);
        let files = format!("--nofile={needed}:");
        // The caller checks the new limit.
        let _ = command.args(["--pid", &pid.to_string(), &files]).output();
    }
}

/// How many files a process may open; `None` without `/proc`.
fn max_open_files(pid: u32) -> Option<usize> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
