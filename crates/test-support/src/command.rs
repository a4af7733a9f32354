//! Commands that are expected to exit.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use crate::{directory::TempDirectory, process, reaper};

/// The variables of this process's environment that a child inherits: enough to run and to write
/// its coverage data, but no configuration.
const INHERITED: [&str; 4] = ["PATH", "TMPDIR", "LLVM_PROFILE_FILE", "RUST_BACKTRACE"];

/// Runs a binary in a fresh directory, with no environment but `envs` and PATH, and returns
/// its output and status.
///
/// If it is still running after `timeout`, kills it and panics with its output.
#[must_use]
pub fn run_to_exit(
    binary: impl AsRef<Path>,
    args: &[&str],
    envs: &[(&str, &str)],
    timeout: Duration,
) -> Output {
    let directory = TempDirectory::new();
    let mut command = isolated(binary.as_ref(), &directory);
    command.args(args).envs(envs.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (mut child, at_exit) = process::spawn(command, reaper::kill_at_exit);
    let stdout = process::collect(child.stdout.take().expect("stdout is piped"));
    let stderr = process::collect(child.stderr.take().expect("stderr is piped"));

    let ended = process::wait(&mut child, timeout);
    // The whole group: otherwise a child of the child would keep the pipes open.
    process::shell(&format!("kill_group {}", child.id()));
    let status = child.wait().expect("it is our child");
    drop(at_exit);
    let stdout = stdout.join().expect("the reader does not panic");
    let stderr = stderr.join().expect("the reader does not panic");
    assert!(
        ended.is_some(),
        "{} {args:?} was still running after {timeout:?}; it wrote:\n{}{}",
        binary.as_ref().display(),
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    Output { status, stdout, stderr }
}

/// A gated command that is isolated from the tests' environment variables, from a `.env` file
/// of the checkout, and from the home directory.
pub(crate) fn isolated(binary: &Path, directory: &TempDirectory) -> Command {
    let mut command = process::gated(absolute(binary));
    command.env_clear().env("HOME", directory.path()).current_dir(directory.path());
    for name in INHERITED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Only a bare name is looked up in PATH; a relative path is relative to the test's
/// directory, not to the child's.
fn absolute(binary: &Path) -> PathBuf {
    if binary.parent() == Some(Path::new("")) && binary.file_name().is_some_and(is_plain) {
        return binary.to_owned();
    }
    fs::canonicalize(binary).unwrap_or_else(|error| panic!("{}: {error}", binary.display()))
}

fn is_plain(name: &OsStr) -> bool {
    name != ".." && name != "."
}
