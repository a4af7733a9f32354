//! The databases and their test data.

use std::collections::{BTreeMap, BTreeSet};

use todo_test_support::database::TestDatabase;
use todo_test_support::postgres::Cluster;
use todo_test_support::server::Server;

use crate::clients::CREATED;
use crate::common::binaries::Binary;
use crate::common::data::{self, TODOS_PER_USER};
use crate::common::postgres::durable;
use crate::common::sql::Session;

/// The user with 300,000 todos.
pub(crate) const DISTURBING_USER: u64 = 40_000;
const DISTURBING_USERS_TODOS: u64 = 300_000;
/// The other users, with 20 todos and a client each.
pub(crate) const OTHERS: std::ops::Range<u64> = 1..33;

/// How the todos are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Whole,
    /// In four partitions by user.
    Partitioned,
    /// The same, with an entry that the server mistakes for the extension Citus: it then sends a statement per call,
    /// and each is planned for its user, so that it uses only one partition.
    Sharded,
}

/// A database for one binary.
pub(crate) struct Environment {
    url: String,
    cluster: Option<&'static Cluster>,
    is_partitioned: bool,
    _file: Option<TestDatabase>,
}

impl Environment {
    /// A database that the binary has migrated, with test data; `None` without a Postgres installation.
    pub(crate) fn create(binary: &Binary, is_sqlite: bool, layout: Layout) -> Option<Self> {
        let file = is_sqlite.then(TestDatabase::sqlite);
        let cluster = if is_sqlite { None } else { Some(cluster()?) };
        let url = match (&file, cluster) {
            (Some(file), _) => file.url().to_owned(),
            (None, cluster) => cluster?.create_database(),
        };
        drop(Server::start(&binary.path, &url, &[]));
        let environment =
            Self { url, cluster, is_partitioned: layout != Layout::Whole, _file: file };
        let mut session = environment.session();
        session.create_todos(OTHERS, TODOS_PER_USER);
        if layout == Layout::Whole {
            session.create_todos(DISTURBING_USER..DISTURBING_USER + 1, DISTURBING_USERS_TODOS);
        } else {
            session.run(&partitions());
            session.clean_up();
        }
        if layout == Layout::Sharded {
            session.run(&format!(
                "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) \
                 VALUES (99999, 'citus', 10, 11, false, '13.0'); \
                 ALTER DATABASE {} SET plan_cache_mode = force_custom_plan",
                environment.name()
            ));
        }
        Some(environment)
    }

    pub(crate) fn serve(&self, binary: &Binary) -> Server {
        Server::start(&binary.path, &self.url, &[])
    }

    pub(crate) fn session(&self) -> Session {
        Session::open(&self.url)
    }

    /// Ends the sessions that a killed server has left, and deletes what clients have created.
    pub(crate) fn clean_up(&self) {
        let mut session = self.session();
        if self.cluster.is_some() {
            session.run(
                "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            );
        }
        session.run(&format!("DELETE FROM todos WHERE title = '{CREATED}'"));
        session.clean_up();
    }

    /// The partition with the most of the other users, and these users; `None` without partitions. A lock on it affects
    /// more clients than a server has threads by default.
    pub(crate) fn fullest_partition(&self) -> Option<(String, BTreeSet<u64>)> {
        let Self { cluster: Some(cluster), is_partitioned: true, .. } = self else { return None };
        let sql = "SELECT DISTINCT tableoid::regclass, user_id FROM todos";
        let mut parts = BTreeMap::<String, BTreeSet<u64>>::new();
        for row in cluster.psql(self.name(), sql).lines() {
            let (part, id) = row.split_once('|').expect("two columns");
            let user = OTHERS.into_iter().find(|user| data::user_id(*user).to_string() == id);
            parts.entry(part.to_owned()).or_default().extend(user);
        }
        parts.into_iter().max_by_key(|(_, users)| users.len())
    }

    fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }
}

/// One cluster for all scenarios.
fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: std::sync::OnceLock<Option<Cluster>> = std::sync::OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(durable())).as_ref()
}

fn partitions() -> String {
    let part = |number| {
        format!(
            "CREATE TABLE todos_part_{number} PARTITION OF todos \
             FOR VALUES WITH (MODULUS 4, REMAINDER {number})"
        )
    };
    let parts = [0, 1, 2, 3].map(part).join("; ");
    format!(
        "ALTER TABLE todos RENAME TO todos_before; \
         CREATE TABLE todos (LIKE todos_before INCLUDING ALL) PARTITION BY HASH (user_id); {parts}; \
         INSERT INTO todos SELECT * FROM todos_before; DROP TABLE todos_before"
    )
}
