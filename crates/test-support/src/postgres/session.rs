//! A session that stays open, to hold what others wait for.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::{Cluster, psql};

/// What `psql` prints when it has done all that it was told so far.
const DONE: &str = "-- done --";

/// An open session. Dropping it ends it, and rolls back what it has not committed.
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
        // It reads the end of its input when this process dies, and ends.
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
    /// Runs statements, and returns what they print when they are done.
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
        // Once psql is gone, so is the session.
        let _ = self.psql.wait();
    }
}
