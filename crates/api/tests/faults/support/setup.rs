//! The servers and databases of the tests.

use todo_test_support::postgres::{Cluster, ClusterOptions};
use todo_test_support::server::Server;

/// The default `DATABASE_TIMEOUT` of the tests, long enough that a busy machine causes no 503. Tests that expect a 503
/// set a shorter one.
const GENEROUS_TIMEOUT: (&str, &str) = ("DATABASE_TIMEOUT", "30s");

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_todo-api");

/// A cluster for one test, in which acknowledged transactions are durable. Without a Postgres installation, prints a
/// note and returns `None`.
pub(crate) fn cluster() -> Option<Cluster> {
    Cluster::start(ClusterOptions::default().setting("synchronous_commit", "on"))
}

/// Starts the server on this database.
pub(crate) fn server(database_url: &str) -> Server {
    server_with(database_url, &[])
}

/// Starts the server with additional settings.
pub(crate) fn server_with(database_url: &str, envs: &[(&str, &str)]) -> Server {
    Server::start(BINARY, database_url, &[&[GENEROUS_TIMEOUT], envs].concat())
}

/// The name of the database in a URL.
pub(crate) fn name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}
