//! A `PgBouncer` for one test.

use std::fs;
use std::path::{Path, PathBuf};

use todo_test_support::directory::TempDirectory;
use todo_test_support::postgres::Cluster;
use todo_test_support::program::{self, Running};

/// A running pooler in front of one database.
pub(crate) struct Pooler {
    running: Running,
    file: PathBuf,
    port: u16,
    postgres: u16,
    database: String,
}

impl Pooler {
    /// Finds the program. If it is not installed, prints a note and returns `None`; panics in CI.
    pub(crate) fn find() -> Option<PathBuf> {
        program::find("pgbouncer", "pooler tests")
    }

    /// Starts it in this mode, with this maximum number of sessions, in front of the database with this URL.
    pub(crate) fn start(
        program: &Path,
        cluster: &Cluster,
        database_url: &str,
        mode: &str,
        sessions: usize,
    ) -> Self {
        let directory = TempDirectory::new();
        let file = directory.path().join("pgbouncer.ini");
        let (port, postgres) = (program::free_port(), cluster.port());
        let database = database_url.rsplit('/').next().unwrap().to_owned();
        fs::write(&file, settings(&database, postgres, port, mode, sessions)).unwrap();
        let running = Running::start(program, &[file.to_str().unwrap()], directory);
        Running::wait_for_port(port);
        Self { running, file, port, postgres, database }
    }

    /// The URL of the database through the pooler.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{}", self.port, self.database)
    }

    /// Changes the mode and the maximum number of sessions of the running pooler.
    pub(crate) fn change(&self, mode: &str, sessions: usize) {
        let text = settings(&self.database, self.postgres, self.port, mode, sessions);
        fs::write(&self.file, text).unwrap();
        self.running.signal("HUP");
    }
}

fn settings(database: &str, postgres: u16, port: u16, mode: &str, sessions: usize) -> String {
    format!(
        "[databases]\n\
         {database} = host=127.0.0.1 port={postgres} user=postgres dbname={database}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nmax_client_conn = 1000\n\
         auth_type = any\npool_mode = {mode}\ndefault_pool_size = {sessions}\n"
    )
}
