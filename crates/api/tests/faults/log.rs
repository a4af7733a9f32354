//! A log whose reader has stopped, and a log with many repeated errors.

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

/// Ends a test that hangs.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// A server whose standard output is a full pipe.
struct ServerWithFullPipe {
    child: Child,
    port: u16,
    log: PipeReader,
    _at_exit: AtExit,
}

impl ServerWithFullPipe {
    fn start(database_url: &str, envs: &[(&str, &str)]) -> Self {
        let (log, stdout) = pipe().unwrap();
        let mut full = stdout.try_clone().unwrap();
        // Far more than the pipe holds: this continues when the test reads.
        thread::spawn(move || drop(full.write_all(&vec![b'\n'; 8 << 20])));
        // Until the pipe is full.
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
        // It listens before it has opened the database, and responds after that.
        assert_eq!(Client::new(port, &new_id()).get("/health").unwrap().status, 200);
        Self { child, port, log, _at_exit: at_exit }
    }

    fn end(&mut self) -> Option<i32> {
        process::signal(self.child.id(), "TERM");
        let ended = process::wait(&mut self.child, HANG_TIMEOUT);
        assert!(ended.is_some(), "it does not exit while its log is not read");
        ended?.code()
    }
}

impl Drop for ServerWithFullPipe {
    fn drop(&mut self) {
        // Neither fails for a child that has not been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many 503s a log has written in full, and how many it has only counted.
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

/// Settings with a short deadline.
const SHORT_TIMEOUT: [(&str, &str); 2] = [("DATABASE_TIMEOUT", "50ms"), ("SHUTDOWN_DELAY", "0s")];

/// The same, with a log that is longer than its buffers.
const TRACE_LOG: [(&str, &str); 3] =
    [("RUST_LOG", "trace"), ("DATABASE_TIMEOUT", "50ms"), ("SHUTDOWN_DELAY", "0s")];

/// Makes calls that all fail with 503, because another connection keeps the database locked. Returns their number.
fn cause_503s(database: &TestDatabase, port: u16) -> u64 {
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let mut other = SqliteConnection::establish(path).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(move || {
                let mut client = Client::new(port, &new_id());
                for _ in 0..CALLS {
                    let todo = json!({"title": "Too late"});
                    let response = client.call("POST", TODOS, Some(&todo)).unwrap();
                    assert!(response.is_unavailable(), "{response:?}");
                }
            });
        }
    });
    CLIENTS * CALLS
}

#[test]
fn a_full_pipe_on_standard_output_blocks_nothing() {
    let database = TestDatabase::sqlite();
    let mut server = ServerWithFullPipe::start(database.url(), &TRACE_LOG);
    cause_503s(&database, server.port);
    let response = Client::new(server.port, &new_id()).get("/health").unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn dropped_lines_are_counted_in_the_log() {
    let database = TestDatabase::sqlite();
    let mut server = ServerWithFullPipe::start(database.url(), &TRACE_LOG);
    cause_503s(&database, server.port);
    // The reader starts: it gets the filler first, then the server's lines, and then the report.
    let mut log = BufReader::new(server.log.try_clone().unwrap()).lines().map_while(Result::ok);
    let report = log.find(|line| line.contains("lines of the log were dropped")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert!(report["fields"]["count"].as_u64().unwrap() > 100, "{report}");
    thread::spawn(move || log.count());
    assert_eq!(server.end(), Some(0));
}

#[test]
fn repeated_errors_are_counted_not_written() {
    let database = TestDatabase::sqlite();
    let server = server_with(database.url(), &SHORT_TIMEOUT);
    let failed = cause_503s(&database, server.port());
    server.terminate();
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    let logs = server.logs();
    let (written, counted) = unavailable(&logs);
    assert_eq!(written + counted, failed, "{logs:#?}");
    assert!(written >= 1, "{logs:#?}");
    assert!((logs.len() as u64) < failed / 10, "{} lines for {failed}", logs.len());
}
