//! Programs and limits that a test needs and a machine may lack.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use crate::clients::http::HANGS;
use crate::directory::{self, TempDirectory};
use crate::process;
use crate::reaper::{self, AtExit};

/// What a process opens beside the connections that it is allowed.
const SPARE: usize = 2_000;

/// Whether this is a run that may not skip anything.
#[must_use]
pub fn is_ci() -> bool {
    env::var("CI").is_ok_and(|it| it == "true" || it == "1")
}

/// Says that a test was skipped, and why; under CI that is a panic.
pub fn skipped(what: &str, why: &str) {
    assert!(!is_ci(), "{what} skipped: {why}");
    // The handle itself, because the test harness captures what `eprintln!` prints.
    let _ = writeln!(std::io::stderr(), "note: {what} skipped: {why}");
}

/// The program of this name; if there is none, `None` and a note, or under CI a panic.
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

/// A program in the background, which ends with this value or with the test process.
#[derive(Debug)]
pub struct Running {
    child: Child,
    _at_exit: AtExit,
    _directory: TempDirectory,
}

impl Running {
    /// Starts a program that may not run as root, in a directory that everybody can read.
    #[must_use]
    pub fn start(program: &Path, args: &[&str], directory: TempDirectory) -> Self {
        let mut command = process::gated("/bin/sh");
        // Root alone may, and has to, become somebody else.
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

    /// Sends it a signal by its name, such as `HUP`.
    pub fn signal(&self, name: &str) {
        process::signal(self.child.id(), name);
    }

    /// Waits until something listens on this port.
    #[track_caller]
    pub fn wait_for_port(port: u16) {
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < HANGS, "nothing listens on {port}");
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

/// A port that is free now, below those that the system gives to outgoing connections: else a client that retries
/// while a server is down might be given its port.
#[must_use]
pub fn free_port() -> u16 {
    loop {
        let port = u16::try_from(15_000 + directory::random() % 15_000).expect("below 30,000");
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Lets this process and that of the server have so many connections. Where that is not allowed: false, and a note,
/// or under CI a panic.
#[must_use]
pub fn may_open(connections: usize, server: u32, what: &str) -> bool {
    let needed = connections + SPARE;
    let may = [std::process::id(), server].into_iter().all(|pid| {
        allow(pid, needed);
        open_files(pid).is_none_or(|it| it >= needed)
    });
    if !may {
        skipped(what, &format!("{connections} connections are more than a process may open"));
    }
    may
}

/// Raises the limit of open files, where it is lower and that is allowed.
fn allow(pid: u32, needed: usize) {
    if open_files(pid).is_none_or(|it| it >= needed) {
        return;
    }
    if let Some(prlimit) = find("prlimit", "raising the limit of open files") {
        let mut command = Command::new(prlimit);
        let files = format!("--nofile={needed}:");
        // Whether it helped is looked at.
        let _ = command.args(["--pid", &pid.to_string(), &files]).output();
    }
}

/// How many files a process may open; `None` where there is no `/proc`.
fn open_files(pid: u32) -> Option<usize> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
