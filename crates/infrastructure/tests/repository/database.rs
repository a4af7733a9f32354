//! The databases of this suite: a fresh one for each test.

use std::sync::Arc;
use std::time::Duration;

use todo_domain::TodoRepository;
use todo_infrastructure::{DatabaseOptions, StatementCache, open};
use todo_test_support::database::TestDatabase;

/// Enough connections to race, few enough for many tests at a time.
const OPTIONS: DatabaseOptions = DatabaseOptions {
    pool_size: 4,
    // Far more than a loaded machine needs.
    timeout: Duration::from_secs(60),
    bulk_timeout: Duration::from_secs(60),
    queue_capacity: 1_000,
    statement_cache: StatementCache::Auto,
    migrate_on_start: true,
    migrate_timeout: Duration::from_secs(60),
};

/// A repository on a database of its own.
pub(crate) struct Fresh {
    // Before the database: its threads use that.
    repository: Arc<dyn TodoRepository>,
    _database: Option<TestDatabase>,
}

impl Fresh {
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

/// SQLite in a file: readers beside the writer.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all databases")]
pub(crate) fn sqlite_file() -> Option<Fresh> {
    Some(Fresh::on(TestDatabase::sqlite()))
}

/// SQLite in memory: one thread that reads and writes.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all databases")]
pub(crate) fn sqlite_memory() -> Option<Fresh> {
    Some(Fresh { repository: open_at("sqlite::memory:"), _database: None })
}

/// Postgres, where there is one.
pub(crate) fn postgres() -> Option<Fresh> {
    Some(Fresh::on(TestDatabase::postgres()?))
}
