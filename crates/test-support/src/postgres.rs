//! A temporary Postgres cluster, created with the installed `initdb` and `postgres`.

mod account;
mod binaries;
pub(crate) mod external;
mod faults;
mod options;
mod psql;
mod session;
mod start;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Child,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

pub use self::options::ClusterOptions;
pub use self::session::Session;
use self::{account::Account, binaries::Binaries};
use crate::{
    directory::TempDirectory,
    process,
    reaper::{self, AtExit},
};

/// The name of the data directory.
const DATA: &str = "data";

/// A cluster that listens on a port of 127.0.0.1 and accepts everyone as `postgres`.
///
/// It is stopped and removed on drop, or by the [`reaper`].
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    account: Account,
    options: ClusterOptions,
    port: u16,
    postmaster: Option<(Child, AtExit)>,
    databases: AtomicU32,
    // Registered as long as the directory exists, because a killed server leaves its shared memory.
    _at_exit: AtExit,
    // Dropped last, after the processes that write into it have ended.
    directory: TempDirectory,
}

impl Cluster {
    /// The cluster that all tests of this process share. The first call starts it.
    ///
    /// Without a Postgres installation, prints the reason and returns `None`; with `CI=true`,
    /// panics instead.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(ClusterOptions::default())).as_ref()
    }

    /// A cluster for one test, which may kill or freeze it. `None` as for [`Cluster::shared`].
    #[must_use]
    pub fn start(options: ClusterOptions) -> Option<Self> {
        let binaries = Binaries::find_or_skip()?;
        let directory = TempDirectory::in_memory();
        let account = Account::for_postgres(directory.path());
        let data = directory.path().join(DATA);
        let mut cluster = Self {
            binaries,
            account,
            options,
            port: 0,
            postmaster: None,
            databases: AtomicU32::new(0),
            _at_exit: reaper::run_at_exit(&remove_shared_memory(&data)),
            directory,
        };
        cluster.initialize();
        cluster.launch_on_a_free_port();
        Some(cluster)
    }

    /// The port on 127.0.0.1; the same after [`Cluster::start_again`].
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a database, such as `postgres`, which every cluster has.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The directory with its Unix socket, its log, and its data in `data`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Creates an empty database and returns its URL.
    #[must_use]
    pub fn create_database(&self) -> String {
        // Not template1, because a test might be connected to it: a template must have no sessions.
        self.create_database_from("template0")
    }

    /// Copies a database that has no sessions, and returns the URL of the copy.
    #[must_use]
    pub fn create_database_from(&self, template: &str) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let (quoted, template) = (psql::identifier(&name), psql::identifier(template));
        let strategy = self.copying_strategy();
        self.psql("postgres", &format!("CREATE DATABASE {quoted} TEMPLATE {template}{strategy}"));
        self.url(&name)
    }

    /// Drops a database, and ends its sessions.
    pub fn drop_database(&self, name: &str) {
        let name = psql::identifier(name);
        self.psql("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }

    /// Runs SQL and returns the output: one line per row, columns separated by `|`. Panics with
    /// the server's message if the SQL fails.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let mut command = psql::command(&self.binaries.psql(), &self.url(database));
        psql::without_settings(&mut command);
        psql::run(command, sql)
    }

    /// What the server has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        let log = fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Copying the files takes half the time of `wal_log`, the default since Postgres 15.
    fn copying_strategy(&self) -> &'static str {
        let version = fs::read_to_string(self.data().join("PG_VERSION")).unwrap_or_default();
        if version.trim().parse().is_ok_and(|it: u32| it >= 15) {
            " STRATEGY file_copy"
        } else {
            ""
        }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join(DATA)
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("log")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop("QUIT", 50);
        process::shell(&remove_shared_memory(&self.data()));
    }
}

fn remove_shared_memory(data: &Path) -> String {
    format!("remove_shared_memory {}", reaper::quoted(data))
}
