//! A command that is expected to end.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use crate::{directory::TempDirectory, process, reaper};

/// What a child gets of this process's environment: enough to run, to write its coverage
/// data, and nothing that configures it.
const PASSED_ON: [&str; 4] = ["PATH", "TMPDIR", "LLVM_PROFILE_FILE", "RUST_BACKTRACE"];

/// Runs a binary in a fresh directory, with no environment but `envs` and PATH, and returns
/// what it wrote and its status.
///
/// Panics, with what it wrote, if it is still running after `timeout`; it is killed then.
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
    // Its group: a child of the child would else keep the pipes open.
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

/// A gated command that sees nothing of where the tests run: neither their environment, nor
/// a `.env` file of the checkout, nor the home directory.
pub(crate) fn isolated(binary: &Path, directory: &TempDirectory) -> Command {
    let mut command = process::gated(absolute(binary));
    command.env_clear().env("HOME", directory.path()).current_dir(directory.path());
    for name in PASSED_ON {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Only a bare name is looked for in PATH; a relative path is relative to the test's
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
