//! A session that stays open, to hold locks that others wait for.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::{Cluster, psql};

/// `psql` prints this after each batch of statements.
const DONE: &str = "-- done --";

/// An open session. Dropping it ends it, and rolls back an open transaction.
pub struct Session {
    psql: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Cluster {
    /// Opens a session on a database.
    #[must_use]
    pub fn session(&self, database: &str) -> Session {
        let mut command = psql::command(&self.binaries.psql(), &self.url(database));
        psql::without_settings(&mut command);
        // It sees the end of its input when this process dies, and exits.
        let mut psql = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let input = psql.stdin.take();
        let output = BufReader::new(psql.stdout.take().expect("stdout is piped"));
        Session { psql, input, output }
    }
}

impl Session {
    /// Runs statements and returns their output.
    pub fn run(&mut self, sql: &str) -> String {
        let input = self.input.as_mut().expect("it is open");
        writeln!(input, "{sql};\n\\echo {DONE}").expect("psql reads");
        let mut printed = String::new();
        loop {
            let before = printed.len();
            let length = self.output.read_line(&mut printed).expect("psql writes text");
            assert!(length > 0, "psql ended: {printed}");
            if printed[before..].trim_end() == DONE {
                printed.truncate(before);
                return printed;
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.input.take());
        // The session ends with psql.
        let _ = self.psql.wait();
    }
}
