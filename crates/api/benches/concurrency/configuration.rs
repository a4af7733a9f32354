//! The databases that the server is measured on.

use std::path::Path;
use std::time::Duration;

use todo_test_support::database::TestDatabase;
use todo_test_support::postgres::Cluster;
use todo_test_support::server::Server;

use crate::common::data::{TODOS_PER_USER, USERS};
use crate::common::postgres::durable;
use crate::common::sql::Session;
use crate::proxy;

/// Where the database is, and what a commit costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Configuration {
    Sqlite,
    Postgres,
    /// Postgres, [`DELAY`] away in each direction.
    Distant,
    /// Postgres whose commits wait for a millisecond.
    SlowCommits,
}

const DELAY: Duration = Duration::from_millis(1);

/// A configuration that runs.
pub(crate) struct Stage {
    configuration: Configuration,
    cluster: Option<Cluster>,
    /// The port under which servers reach Postgres.
    port: u16,
}

/// A server on a database of its own, with todos in it.
pub(crate) struct Measured {
    pub(crate) server: Server,
    /// A session past the server, and past the delay.
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

    /// Starts what it needs; `None` where there is no Postgres.
    pub(crate) fn start(self) -> Option<Stage> {
        let options = match self {
            Self::Sqlite => {
                return Some(Stage { configuration: self, cluster: None, port: 0 });
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
        Some(Stage { configuration: self, cluster: Some(cluster), port })
    }
}

impl Stage {
    /// Starts a server on a fresh database and puts todos into it.
    pub(crate) fn serve(&self, binary: &Path) -> Measured {
        let file = self.cluster.is_none().then(TestDatabase::sqlite);
        let url = match (&self.cluster, &file) {
            (Some(cluster), _) => cluster.create_database(),
            (None, file) => file.as_ref().expect("made above").url().to_owned(),
        };
        let server = Server::start(binary, &self.as_servers_see_it(&url), &[]);
        let mut session = Session::open(&url);
        session.create_todos(0..USERS, TODOS_PER_USER);
        Measured { server, session, _file: file }
    }

    /// What a statement and a commit take, as the servers see it. Panics where that is not what the configuration is
    /// meant to show.
    pub(crate) fn describe(&self) -> Option<String> {
        let url = self.as_servers_see_it(&self.cluster.as_ref()?.create_database());
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

    fn as_servers_see_it(&self, url: &str) -> String {
        match &self.cluster {
            Some(cluster) => {
                url.replace(&format!(":{}/", cluster.port()), &format!(":{}/", self.port))
            }
            None => url.to_owned(),
        }
    }
}
