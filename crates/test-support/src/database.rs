//! One fresh database for one test.

use crate::{
    directory::TempDirectory,
    postgres::{Cluster, elsewhere::Elsewhere},
};

/// A database of a test's own, gone when this value is dropped, or when the test process
/// ends in whatever way.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    home: Home,
}

#[derive(Debug)]
enum Home {
    Elsewhere(Elsewhere),
    Cluster(&'static Cluster),
    Directory(#[expect(dead_code, reason = "kept until the database is dropped")] TempDirectory),
}

impl TestDatabase {
    /// An empty Postgres database: on the server that `TEST_DATABASE_URL` names, else in the
    /// shared throw-away cluster.
    ///
    /// `None`, and one note that says why, where there is no Postgres; under `CI=true` that
    /// is a panic.
    #[must_use]
    pub fn postgres() -> Option<Self> {
        if let Some(database) = Elsewhere::create() {
            return Some(Self { url: database.url(), home: Home::Elsewhere(database) });
        }
        let cluster = Cluster::shared()?;
        Some(Self { url: cluster.create_database(), home: Home::Cluster(cluster) })
    }

    /// A SQLite database in a fresh directory; its file is made by the first who opens it.
    #[must_use]
    pub fn sqlite() -> Self {
        let directory = TempDirectory::in_memory();
        let url = format!("sqlite://{}/todos.db", directory.path().display());
        Self { url, home: Home::Directory(directory) }
    }

    /// Where it is, as in `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs SQL in a Postgres database, past the code under test, and returns what it
    /// prints: a line for each row, `|` between the columns.
    ///
    /// Panics on SQLite, and with the server's message if it fails.
    #[expect(clippy::must_use_candidate, reason = "many statements print nothing")]
    pub fn psql(&self, sql: &str) -> String {
        match &self.home {
            Home::Elsewhere(database) => database.psql(sql),
            Home::Cluster(cluster) => cluster.psql(self.name(), sql),
            Home::Directory(_) => panic!("{} is not a Postgres database", self.url),
        }
    }

    fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Home::Cluster(cluster) = &self.home {
            // Each takes 8 MB of a disk that may be memory.
            cluster.drop_database(self.name());
        }
    }
}
