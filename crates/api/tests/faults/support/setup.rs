//! Servers and databases of a test's own, and a machine for itself.

use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use todo_test_support::postgres::{Cluster, ClusterOptions};
use todo_test_support::server::Server;

use super::stalls::Stalls;

/// The server's `DATABASE_TIMEOUT`, unless a test sets another.
pub(crate) const DATABASE_TIMEOUT: Duration = Duration::from_secs(1);

/// What an answer may be late: 100 ms are promised; the rest is for an unoptimised build beside its own clients on
/// two processors.
pub(crate) const LATE: Duration = Duration::from_millis(250);

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_todo-api");

/// Held by each test: all of them look at the clock, so that none may disturb another.
pub(crate) fn machine() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    // A test that failed has disturbed nothing that outlives it.
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often a test is tried whose failures say nothing.
const TRIES: usize = 3;

/// Runs a test that has the machine for itself. A failure while the machine stood still, because it is shared with
/// others, says nothing about the server: the test is tried again.
pub(crate) fn alone(test: impl Fn()) {
    let _machine = machine();
    for _ in 1..TRIES {
        let stalls = Stalls::watch();
        match catch_unwind(AssertUnwindSafe(&test)) {
            Ok(()) => return,
            Err(panic) if !stalls.disturb() => resume_unwind(panic),
            Err(_) => measured("tried again, for the machine stood still", &format!("{stalls:?}")),
        }
    }
    test();
}

/// A cluster of the test's own that has written what it acknowledges; `None`, and said so, where there is none.
pub(crate) fn cluster() -> Option<Cluster> {
    Cluster::start(ClusterOptions::default().setting("synchronous_commit", "on"))
}

/// The server on this database.
pub(crate) fn server(database_url: &str) -> Server {
    server_with(database_url, &[])
}

/// The server with settings of its own. Its log is short: each refusal is a line of it.
pub(crate) fn server_with(database_url: &str, envs: &[(&str, &str)]) -> Server {
    Server::start(BINARY, database_url, envs)
}

/// How many threads a process has; `None` where there is no `/proc`.
pub(crate) fn threads(pid: u32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{pid}/task")).ok()?.count())
}

/// Says a figure past the test harness, which hides what a test prints.
pub(crate) fn measured(what: &str, figure: &str) {
    let _ = writeln!(std::io::stderr(), "measured: {what}: {figure}");
}

/// Says that a test was skipped, and why; under CI that is a panic.
pub(crate) fn skipped(what: &str, why: &str) {
    let is_ci = std::env::var("CI").is_ok_and(|it| it == "true" || it == "1");
    assert!(!is_ci, "{what} skipped: {why}");
    let _ = writeln!(std::io::stderr(), "note: {what} skipped: {why}");
}
