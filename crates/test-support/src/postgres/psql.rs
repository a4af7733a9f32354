//! Runs SQL through `psql`, so that this crate needs no database client.

use std::{env, path::Path, process::Command};

/// A `psql` that prints only rows and exits at the first error.
pub(super) fn command(psql: &Path, url: &str) -> Command {
    let mut command = Command::new(psql);
    command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url]);
    command.env("PGCONNECT_TIMEOUT", "10");
    command
}

/// Runs the statements and returns their output. Panics with the server's message if one fails.
pub(super) fn run(mut command: Command, sql: &str) -> String {
    let output = command
        .args(["-c", sql])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    assert!(
        output.status.success(),
        "psql failed on {sql}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Removes the variables that libpq and the server read, so that the developer's settings have
/// no effect.
pub(super) fn without_settings(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PG")) {
            command.env_remove(name);
        }
    }
}

/// Quotes a name for SQL.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes text for SQL.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
