//! One fresh database per test.

use crate::{
    directory::TempDirectory,
    postgres::{Cluster, external::ExternalDatabase},
};

/// A database for one test. It is removed when this value is dropped, or when the test process
/// ends, however it ends.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    External(ExternalDatabase),
    Cluster(&'static Cluster),
    Directory(#[expect(dead_code, reason = "kept until the database is dropped")] TempDirectory),
}

impl TestDatabase {
    /// An empty Postgres database: on the server in `TEST_DATABASE_URL`, or else in the shared
    /// temporary cluster.
    ///
    /// Without a Postgres installation, prints the reason once and returns `None`; with
    /// `CI=true`, panics instead.
    #[must_use]
    pub fn postgres() -> Option<Self> {
        if let Some(database) = ExternalDatabase::create() {
            return Some(Self { url: database.url(), backend: Backend::External(database) });
        }
        let cluster = Cluster::shared()?;
        Some(Self { url: cluster.create_database(), backend: Backend::Cluster(cluster) })
    }

    /// A SQLite database in a fresh directory. The first connection creates its file.
    #[must_use]
    pub fn sqlite() -> Self {
        let directory = TempDirectory::in_memory();
        let url = format!("sqlite://{}/todos.db", directory.path().display());
        Self { url, backend: Backend::Directory(directory) }
    }

    /// Its URL, as in `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs SQL in a Postgres database, bypassing the code under test, and returns the output:
    /// one line per row, columns separated by `|`.
    ///
    /// Panics on SQLite, and with the server's message if the SQL fails.
    #[expect(clippy::must_use_candidate, reason = "many statements print nothing")]
    pub fn psql(&self, sql: &str) -> String {
        match &self.backend {
            Backend::External(database) => database.psql(sql),
            Backend::Cluster(cluster) => cluster.psql(self.name(), sql),
            Backend::Directory(_) => panic!("{} is not a Postgres database", self.url),
        }
    }

    fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Backend::Cluster(cluster) = &self.backend {
            // Each takes 8 MB, possibly of memory.
            cluster.drop_database(self.name());
        }
    }
}
