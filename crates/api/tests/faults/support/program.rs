//! Programs that a test needs and a machine may lack.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use todo_test_support::directory::TempDirectory;
use todo_test_support::process;
use todo_test_support::reaper::{self, AtExit};

use super::setup::skipped;

/// The program of this name; if there is none, `None` and a note, or under CI a panic.
pub(crate) fn find(name: &str, what: &str) -> Option<PathBuf> {
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
pub(crate) fn run(program: &Path, directory: &Path, args: &[&str]) {
    let mut command = Command::new(program);
    let output = command.args(args).current_dir(directory).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{} {args:?}: {text}", program.display());
}

/// A program in the background, which ends with this value or with the test process.
pub(crate) struct Running {
    child: Child,
    _at_exit: AtExit,
    _directory: TempDirectory,
}

impl Running {
    /// Starts a program that may not run as root, in a directory that everybody can read.
    pub(crate) fn start(program: &Path, args: &[&str], directory: TempDirectory) -> Self {
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

    /// Waits until something listens on this port.
    #[track_caller]
    pub(crate) fn wait_for_port(port: u16) {
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "nothing listens on {port}");
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

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
