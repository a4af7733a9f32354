//! Servers and databases of a test's own.

use todo_test_support::postgres::{Cluster, ClusterOptions};
use todo_test_support::server::Server;

/// The server's `DATABASE_TIMEOUT`, unless a test sets another: so long that a machine that is busy with other
/// things makes no 503. A test that wants a 503 sets a shorter one.
const PATIENT: (&str, &str) = ("DATABASE_TIMEOUT", "30s");

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_todo-api");

/// A cluster of the test's own that has written what it acknowledges; `None`, and said so, where there is none.
pub(crate) fn cluster() -> Option<Cluster> {
    Cluster::start(ClusterOptions::default().setting("synchronous_commit", "on"))
}

/// The server on this database.
pub(crate) fn server(database_url: &str) -> Server {
    server_with(database_url, &[])
}

/// The server with settings of its own.
pub(crate) fn server_with(database_url: &str, envs: &[(&str, &str)]) -> Server {
    Server::start(BINARY, database_url, &[&[PATIENT], envs].concat())
}

/// The name of the database in a URL.
pub(crate) fn name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}
