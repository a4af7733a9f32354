//! Child processes that cannot outlive the test process.

use std::{
    ffi::OsStr,
    io::{Read, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::reaper::AtExit;

const POLL: Duration = Duration::from_millis(5);

/// A command for [`spawn`] that runs `program` once it is released.
///
/// A shell waits for a line on its input and then replaces itself with the program, which
/// therefore has the pid of the shell.
#[must_use]
pub fn gated(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#"read -r go && exec "$@" </dev/null"#, "sh"]).arg(program);
    command
}

/// Starts a [`gated`] command in its own process group, and releases it once `register` has
/// registered its pid with the reaper.
///
/// A killed test can never leave the child behind: until the child is released, it sees the end
/// of its input when this process dies, and exits.
pub fn spawn(mut command: Command, register: impl FnOnce(u32) -> AtExit) -> (Child, AtExit) {
    let mut child = command
        .process_group(0)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let at_exit = register(child.id());
    // It fails only if the shell failed, and the caller sees the shell's exit status.
    let _ = child.stdin.take().expect("stdin is piped").write_all(b"go\n");
    (child, at_exit)
}

/// Waits for the child to exit; `None` if it is still running after `timeout`.
pub fn wait(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(POLL);
    }
}

/// Reads all output of a child in a separate thread, so that a full pipe never blocks the child.
pub fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut output = Vec::new();
        // Output before an error is still worth showing.
        let _ = pipe.read_to_end(&mut output);
        output
    })
}

/// Sends a signal, such as `TERM`, to a child that has not been waited for yet.
pub fn signal(pid: u32, name: &str) {
    shell(&format!("signal {name} {pid}"));
}

/// Whether a process is running. A zombie is not.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    shell(&format!("alive {pid}"))
}

/// The children of a process.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let output = Command::new("/bin/sh")
        .args(["-c", &with_functions(&format!("children {pid}"))])
        .output()
        .expect("/bin/sh starts");
    let pids = String::from_utf8_lossy(&output.stdout);
    pids.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// Runs one line of shell, which may use the functions of `processes.sh`, and returns whether it
/// succeeded. It is a shell because sending a signal takes unsafe code or a library.
pub(crate) fn shell(line: &str) -> bool {
    Command::new("/bin/sh")
        .args(["-c", &with_functions(line)])
        .stdin(Stdio::null())
        .status()
        .expect("/bin/sh starts")
        .success()
}

fn with_functions(line: &str) -> String {
    format!("{}{line}", include_str!("processes.sh"))
}
