//! Cleans up however the test process ends: normally, by a panic, by Ctrl-C, by SIGKILL.
//!
//! Destructors do not run when a process is killed, nor for a `static`. So each test process
//! has one small shell process, the reaper, that reads from a pipe whose other end only the test
//! process holds. When that end closes, for whatever reason, the reaper runs the jobs that were
//! registered and not withdrawn. It has its own process group and ignores the signals that a
//! terminal sends.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{ChildStdin, Command, Stdio},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

const SCRIPT: &str =
    concat!("trap '' INT TERM HUP QUIT\n", include_str!("processes.sh"), include_str!("reaper.sh"));

/// A job that the reaper runs when the test process ends, unless this value has been dropped
/// before. Forget the value (`std::mem::forget`) to keep the job registered.
#[derive(Debug)]
#[must_use = "dropping it withdraws the job"]
pub struct AtExit {
    id: u64,
}

/// Kills the process, and the process group it may lead, with SIGKILL.
///
/// Only for a child of this process. Drop the guard right after waiting for the child, because
/// its pid may be reused.
pub fn kill_at_exit(pid: u32) -> AtExit {
    run_at_exit(&format!("kill_group {pid}"))
}

/// Removes the directory with everything in it.
pub fn remove_at_exit(directory: &Path) -> AtExit {
    run_at_exit(&format!("remove_directory {}", quoted(directory)))
}

/// Runs one line of shell, which may use the functions of `processes.sh`.
pub fn run_at_exit(command: &str) -> AtExit {
    assert!(!command.contains('\n'), "a job of the reaper is one line: {command:?}");
    let mut reaper = reaper();
    // Counted under the lock, because the reaper takes the last id it reads as the highest.
    reaper.jobs += 1;
    let id = reaper.jobs;
    reaper.send(&format!("+{id} {command}\n"));
    AtExit { id }
}

/// Quotes a path for the shell.
#[must_use]
pub fn quoted(path: &Path) -> String {
    quote(path.to_str().expect("paths in tests are UTF-8"))
}

/// Quotes any text for the shell, as one word.
#[must_use]
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl Drop for AtExit {
    fn drop(&mut self) {
        reaper().send(&format!("-{}\n", self.id));
    }
}

struct Reaper {
    // std opens pipes close-on-exec: no other child inherits this end and keeps it open.
    pipe: ChildStdin,
    jobs: u64,
}

impl Reaper {
    #[expect(clippy::zombie_processes, reason = "it ends after this process")]
    fn start() -> Self {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .process_group(0)
            .current_dir("/")
            .stdin(Stdio::piped())
            // Otherwise readers of a test's output would wait for the reaper.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("/bin/sh starts");
        Self { pipe: shell.stdin.take().expect("stdin is piped"), jobs: 0 }
    }

    fn send(&mut self, line: &str) {
        // One write, so that a test process that is killed meanwhile leaves no partial line.
        self.pipe.write_all(line.as_bytes()).expect("the reaper reads");
    }
}

fn reaper() -> MutexGuard<'static, Reaper> {
    static REAPER: OnceLock<Mutex<Reaper>> = OnceLock::new();
    REAPER
        .get_or_init(|| Mutex::new(Reaper::start()))
        .lock()
        // A panic in a test does not affect the state of the reaper.
        .unwrap_or_else(PoisonError::into_inner)
}
