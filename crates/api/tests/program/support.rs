//! Runs the program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use todo_test_support::clients::http::HANG_TIMEOUT;
use todo_test_support::command::run_to_exit;
use todo_test_support::directory::TempDirectory;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_todo-api");

/// The output and exit code of the program.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program in a fresh directory.
pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    run_in(TempDirectory::new().path(), arguments, environment)
}

/// Runs the program in this directory.
pub(crate) fn run_in(directory: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let enter = [r#"cd "$0" && exec "$@""#, directory.to_str().unwrap(), PROGRAM];
    shell(&[&enter, arguments].concat(), environment)
}

/// Runs a shell command with arguments.
pub(crate) fn shell(line: &[&str], environment: &[(&str, &str)]) -> Output {
    // Not the default port, which may be in use, and without a shutdown delay. Tests may override both.
    let environment = [&[("PORT", "0"), ("SHUTDOWN_DELAY", "0s")], environment].concat();
    let exited = run_to_exit("/bin/sh", &[&["-c"], line].concat(), &environment, HANG_TIMEOUT);
    Output {
        code: exited.status.code(),
        stdout: String::from_utf8(exited.stdout).unwrap(),
        stderr: String::from_utf8(exited.stderr).unwrap(),
    }
}

impl Output {
    /// Expects a one-line error with this exit code, which contains these words and no secret.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, words: &[&str]) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        let line = self.stderr.strip_suffix('\n').unwrap_or_else(|| panic!("no line: {self:?}"));
        assert!(!line.contains('\n'), "{self:?}");
        assert!(line.starts_with("error: "), "{self:?}");
        assert!(words.iter().all(|word| line.contains(word)), "{words:?} are not in {line}");
        assert!(!line.contains("geheim"), "{line}");
        line
    }

    #[track_caller]
    pub(crate) fn succeeded(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        &self.stdout
    }
}

/// Creates a script that runs the program in this directory, without one of the variables that it was given.
pub(crate) fn script(directory: &TempDirectory, unset: &str) -> PathBuf {
    script_with(directory, unset, "")
}

/// The same with arguments, in shell syntax.
pub(crate) fn script_with(directory: &TempDirectory, unset: &str, arguments: &str) -> PathBuf {
    let path = directory.path().join("run.sh");
    let unset = if unset.is_empty() { String::new() } else { format!("unset {unset}\n") };
    let here = directory.path().display();
    let lines = format!("#!/bin/sh\n{unset}cd '{here}'\nexec '{PROGRAM}' {arguments} \"$@\"\n");
    fs::write(&path, lines).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The names of the files in a directory.
pub(crate) fn files(directory: &TempDirectory) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).unwrap();
    let mut names: Vec<_> =
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
