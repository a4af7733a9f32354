//! A log that nobody reads, and one that would be very long.

use std::io::{BufRead, BufReader, PipeReader, Write, pipe};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::{Value, json};
use todo_test_support::database::TestDatabase;
use todo_test_support::process;
use todo_test_support::reaper::{self, AtExit};

use crate::support::http::Client;
use crate::support::ledger::{TODOS, new_id};
use crate::support::program::{Running, free_port};
use crate::support::setup::{BINARY, server_with};

/// Ends a hang.
const LONG: Duration = Duration::from_secs(60);

/// A server in whose standard output there is no room for a byte.
struct Unread {
    child: Child,
    port: u16,
    log: PipeReader,
    _at_exit: AtExit,
}

impl Unread {
    fn start(database_url: &str, envs: &[(&str, &str)]) -> Self {
        let (log, stdout) = pipe().unwrap();
        let mut full = stdout.try_clone().unwrap();
        // Far more than fits: this goes on when somebody reads.
        thread::spawn(move || drop(full.write_all(&vec![b'\n'; 8 << 20])));
        // Until it stands still, which is when it has filled the pipe.
        thread::sleep(Duration::from_millis(300));
        let port = free_port();
        let mut command = process::gated(BINARY);
        command
            .env_clear()
            .env("PORT", port.to_string())
            .env("DATABASE_URL", database_url)
            .env("LOG_FORMAT", "json")
            .envs(envs.iter().copied())
            .stdout(stdout)
            .stderr(Stdio::null());
        let (child, at_exit) = process::spawn(command, reaper::kill_at_exit);
        Running::wait_for_port(port);
        // It listens before it has opened its database, and answers after that.
        assert_eq!(Client::new(port, &new_id()).get("/health").unwrap().status, 200);
        Self { child, port, log, _at_exit: at_exit }
    }

    fn end(&mut self) -> Option<i32> {
        process::signal(self.child.id(), "TERM");
        let ended = process::wait(&mut self.child, LONG);
        assert!(ended.is_some(), "it does not end while nobody reads its log");
        ended?.code()
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        // Neither can fail for a child that has not been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the lines of a log say of answers by 503: how many were written in full, and how many only counted.
fn unavailable(lines: &[String]) -> (u64, u64) {
    let (mut written, mut counted) = (0, 0);
    for line in lines {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let fields = &line["fields"];
        if fields["message"] != "unavailable" {
            continue;
        }
        assert!(fields["causes"].is_string(), "{fields}");
        assert!(fields["request_id"].is_string(), "{fields}");
        match fields["repeated"].as_u64() {
            Some(count) => counted += count,
            None => written += 1,
        }
    }
    (written, counted)
}

const CLIENTS: u64 = 32;
const CALLS: u64 = 50;

/// A server that gives up on its database soon.
const IMPATIENT: [(&str, &str); 2] = [("DATABASE_TIMEOUT", "50ms"), ("SHUTDOWN_DELAY", "0s")];

/// The same, with a log that is longer than any room for it.
const NOISY: [(&str, &str); 3] =
    [("RUST_LOG", "trace"), ("DATABASE_TIMEOUT", "50ms"), ("SHUTDOWN_DELAY", "0s")];

/// Makes calls that are all refused, because somebody else keeps the database locked. Returns how many.
fn be_refused(database: &TestDatabase, port: u16) -> u64 {
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let mut other = SqliteConnection::establish(path).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(move || {
                let mut client = Client::new(port, &new_id());
                for _ in 0..CALLS {
                    let todo = json!({"title": "Too late"});
                    let answer = client.call("POST", TODOS, Some(&todo)).unwrap();
                    assert!(answer.is_unavailable(), "{answer:?}");
                }
            });
        }
    });
    CLIENTS * CALLS
}

#[test]
fn a_full_pipe_on_standard_output_stops_nothing() {
    let database = TestDatabase::sqlite();
    let mut server = Unread::start(database.url(), &NOISY);
    be_refused(&database, server.port);
    let answer = Client::new(server.port, &new_id()).get("/health").unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn lines_that_were_dropped_are_counted_in_the_log() {
    let database = TestDatabase::sqlite();
    let mut server = Unread::start(database.url(), &NOISY);
    be_refused(&database, server.port);
    // Now somebody reads: the filler gets rid of its bytes, the server of its lines, and at last of the report.
    let mut log = BufReader::new(server.log.try_clone().unwrap()).lines().map_while(Result::ok);
    let report = log.find(|line| line.contains("lines of the log were dropped")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert!(report["fields"]["count"].as_u64().unwrap() > 100, "{report}");
    thread::spawn(move || log.count());
    assert_eq!(server.end(), Some(0));
}

#[test]
fn refusals_that_repeat_are_counted_not_written() {
    let database = TestDatabase::sqlite();
    let server = server_with(database.url(), &IMPATIENT);
    let refused = be_refused(&database, server.port());
    server.terminate();
    assert_eq!(server.wait_exit(LONG).code(), Some(0));
    let logs = server.logs();
    let (written, counted) = unavailable(&logs);
    assert_eq!(written + counted, refused, "{logs:#?}");
    assert!(written >= 1, "{logs:#?}");
    assert!((logs.len() as u64) < refused / 10, "{} lines for {refused}", logs.len());
}
