//! The databases on which the server is measured.

use std::path::Path;
use std::time::Duration;

use todo_test_support::database::TestDatabase;
use todo_test_support::postgres::Cluster;
use todo_test_support::server::Server;

use crate::common::data::{TODOS_PER_USER, USERS};
use crate::common::postgres::durable;
use crate::common::sql::Session;
use crate::proxy;

/// The database, its distance, and the cost of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Configuration {
    Sqlite,
    Postgres,
    /// Postgres with a network delay of [`DELAY`] in each direction.
    Distant,
    /// Postgres with commits that wait for 1 ms.
    SlowCommits,
}

const DELAY: Duration = Duration::from_millis(1);

/// A running configuration.
pub(crate) struct Environment {
    configuration: Configuration,
    cluster: Option<Cluster>,
    /// The port through which servers reach Postgres.
    port: u16,
}

/// A server with its own database and test data.
pub(crate) struct Measured {
    pub(crate) server: Server,
    /// A direct session, without the server and the delay.
    pub(crate) session: Session,
    /// The file of a SQLite database.
    _file: Option<TestDatabase>,
}

impl Configuration {
    pub(crate) const ALL: [Self; 4] =
        [Self::Sqlite, Self::Postgres, Self::Distant, Self::SlowCommits];

    /// Its name in `BENCH_CONFIGS`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Distant => "distant",
            Self::SlowCommits => "slow-commits",
        }
    }

    /// Its name in the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "Postgres",
            Self::Distant => "Postgres, 2 ms away",
            Self::SlowCommits => "Postgres, commits wait 1 ms",
        }
    }

    /// Starts the database; `None` without a Postgres installation.
    pub(crate) fn start(self) -> Option<Environment> {
        let options = match self {
            Self::Sqlite => {
                return Some(Environment { configuration: self, cluster: None, port: 0 });
            }
            Self::Postgres | Self::Distant => durable(),
            Self::SlowCommits => {
                durable().setting("commit_delay", "1000").setting("commit_siblings", "0")
            }
        };
        let cluster = Cluster::start(options)?;
        let port = match self {
            Self::Distant => proxy::start(cluster.port(), DELAY),
            _ => cluster.port(),
        };
        Some(Environment { configuration: self, cluster: Some(cluster), port })
    }
}

impl Environment {
    /// Starts a server on a fresh database with test data.
    pub(crate) fn serve(&self, binary: &Path) -> Measured {
        let file = self.cluster.is_none().then(TestDatabase::sqlite);
        let url = match (&self.cluster, &file) {
            (Some(cluster), _) => cluster.create_database(),
            (None, file) => file.as_ref().expect("made above").url().to_owned(),
        };
        let server = Server::start(binary, &self.server_url(&url), &[]);
        let mut session = Session::open(&url);
        session.create_todos(0..USERS, TODOS_PER_USER);
        Measured { server, session, _file: file }
    }

    /// The duration of a statement and of a commit, as the servers see it. Panics if it is not what the configuration
    /// is meant to show.
    pub(crate) fn describe(&self) -> Option<String> {
        let url = self.server_url(&self.cluster.as_ref()?.create_database());
        let mut session = Session::open(&url);
        session.run("CREATE TABLE trial (number INT)");
        let select = session.time("SELECT 1");
        let insert = session.time("INSERT INTO trial VALUES (1)");
        match self.configuration {
            Configuration::Distant => assert!(select >= 2 * DELAY, "SELECT 1 took {select:?}"),
            Configuration::SlowCommits => {
                assert!(insert >= Duration::from_millis(1), "an insert took {insert:?}");
            }
            Configuration::Sqlite | Configuration::Postgres => {}
        }
        let millis = |it: Duration| it.as_secs_f64() * 1e3;
        Some(format!(
            "{}: `SELECT 1` takes {:.2} ms, an insert of a row {:.2} ms.",
            self.configuration.title(),
            millis(select),
            millis(insert)
        ))
    }

    fn server_url(&self, url: &str) -> String {
        match &self.cluster {
            Some(cluster) => {
                url.replace(&format!(":{}/", cluster.port()), &format!(":{}/", self.port))
            }
            None => url.to_owned(),
        }
    }
}
