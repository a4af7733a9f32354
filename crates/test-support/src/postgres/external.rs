//! Databases on an external server, which `TEST_DATABASE_URL` names.

use std::{env, mem, process, process::Command};

use super::{binaries, psql};
use crate::{
    directory,
    reaper::{self, AtExit},
};

/// A database on that server. It is dropped with this value, or by the reaper.
#[derive(Debug)]
pub(crate) struct ExternalDatabase {
    server: String,
    name: String,
    at_exit: Option<AtExit>,
}

impl ExternalDatabase {
    /// Creates a database on the server in `TEST_DATABASE_URL`, if that is set.
    pub(crate) fn create() -> Option<Self> {
        let server = env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())?;
        let name = format!("todo_test_{}_{:016x}", process::id(), directory::random());
        // Registered before it is created, so that a killed test cannot leave it behind.
        let at_exit =
            reaper::run_at_exit(&shell_command(&psql_on(&server), &drop_statement(&name)));
        psql::run(psql_on(&server), &format!("CREATE DATABASE {}", psql::identifier(&name)));
        Some(Self { server, name, at_exit: Some(at_exit) })
    }

    /// The server's URL with the name of this database.
    pub(crate) fn url(&self) -> String {
        with_database(&self.server, &self.name)
    }

    /// Runs SQL in the database.
    pub(crate) fn psql(&self, sql: &str) -> String {
        psql::run(psql_on(&self.url()), sql)
    }
}

impl Drop for ExternalDatabase {
    fn drop(&mut self) {
        let dropped = psql_on(&self.server).args(["-c", &drop_statement(&self.name)]).output();
        if !dropped.is_ok_and(|output| output.status.success()) {
            // The job stays registered, so that the reaper retries it.
            mem::forget(self.at_exit.take());
        }
    }
}

fn psql_on(url: &str) -> Command {
    psql::command(&binaries::any_psql(), url)
}

fn drop_statement(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", psql::identifier(name))
}

fn shell_command(command: &Command, sql: &str) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words: Vec<String> = words.map(|word| reaper::quoted(word.as_ref())).collect();
    format!("PGCONNECT_TIMEOUT=10 {} -c {}", words.join(" "), reaper::quote(sql))
}

fn with_database(url: &str, name: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("TEST_DATABASE_URL begins with postgres://");
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let server = rest.split('/').next().unwrap_or_default();
    let mark = if parameters.is_empty() { "" } else { "?" };
    format!("{scheme}://{server}/{name}{mark}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn only_the_database_of_the_url_is_replaced() {
        let cases = [
            ("postgres://u:p@host:5432/postgres", "postgres://u:p@host:5432/db"),
            ("postgresql://host", "postgresql://host/db"),
            ("postgres://host/?sslmode=require", "postgres://host/db?sslmode=require"),
            ("postgres:///postgres?host=/tmp/a", "postgres:///db?host=/tmp/a"),
        ];
        for (url, expected) in cases {
            assert_eq!(with_database(url, "db"), expected);
        }
    }
}
