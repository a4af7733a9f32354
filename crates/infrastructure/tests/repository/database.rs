//! A fresh database for each test.

use std::sync::Arc;

use todo_domain::TodoRepository;
use todo_infrastructure::open;
use todo_test_support::database::TestDatabase;

use crate::common::OPTIONS;

/// A repository on its own database.
pub(crate) struct TestRepository {
    // Dropped before the database, which its threads use.
    repository: Arc<dyn TodoRepository>,
    _database: Option<TestDatabase>,
}

impl TestRepository {
    fn on(database: TestDatabase) -> Self {
        Self { repository: open_at(database.url()), _database: Some(database) }
    }

    /// The repository under test.
    pub(crate) fn repository(&self) -> Arc<dyn TodoRepository> {
        Arc::clone(&self.repository)
    }
}

fn open_at(url: &str) -> Arc<dyn TodoRepository> {
    open(&url.parse().unwrap(), &OPTIONS).unwrap()
}

/// SQLite in a file, with reader threads and a writer.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all databases")]
pub(crate) fn sqlite_file() -> Option<TestRepository> {
    Some(TestRepository::on(TestDatabase::sqlite()))
}

/// In-memory SQLite, with one thread that reads and writes.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all databases")]
pub(crate) fn sqlite_memory() -> Option<TestRepository> {
    Some(TestRepository { repository: open_at("sqlite::memory:"), _database: None })
}

/// Postgres, if it is available.
pub(crate) fn postgres() -> Option<TestRepository> {
    Some(TestRepository::on(TestDatabase::postgres()?))
}
