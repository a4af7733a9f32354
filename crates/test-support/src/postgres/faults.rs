//! Fault injection: kills, stops and freezes a server. It takes `&mut`, so the shared cluster is excluded.

use super::{Cluster, psql};
use crate::process;

impl Cluster {
    /// The process id of the postmaster. Panics if the server is not running.
    #[must_use]
    pub fn postmaster_pid(&self) -> u32 {
        self.postmaster.as_ref().expect("the cluster runs").0.id()
    }

    /// Kills the postmaster and all its children, as the loss of a machine would. Returns when
    /// they have ended; the next start recovers from the WAL.
    pub fn kill(&mut self) {
        process::shell(&format!("kill_family {}", self.postmaster_pid()));
        self.reap();
    }

    /// Stops the server with an immediate shutdown; the next start recovers from the WAL.
    pub fn stop_immediate(&mut self) {
        self.stop("QUIT", 50);
    }

    /// Stops the server with a fast shutdown, which ends every connection with error 57P01.
    pub fn stop_fast(&mut self) {
        self.stop("INT", 300);
    }

    /// Stops the postmaster and all its children with SIGSTOP: connections stay open, the kernel
    /// accepts new ones, and nothing responds.
    pub fn freeze(&mut self) {
        process::shell(&format!("freeze_family {}", self.postmaster_pid()));
    }

    /// Continues a frozen server.
    pub fn thaw(&mut self) {
        process::shell(&format!("thaw_family {}", self.postmaster_pid()));
    }

    /// Ends the idle connections to a database, as a pooler or a suspended serverless database
    /// does, and returns how many there were.
    pub fn terminate_idle_connections(&self, database: &str) -> u32 {
        let database = psql::literal(database);
        let sql = format!(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
             WHERE datname = {database} AND state = 'idle' AND pid <> pg_backend_pid()"
        );
        self.psql("postgres", &sql).parse().expect("a count is a number")
    }

    pub(super) fn stop(&mut self, signal: &str, tenths: u32) {
        if let Some((postmaster, _)) = &self.postmaster {
            process::shell(&format!("stop_cluster {} {signal} {tenths}", postmaster.id()));
            self.reap();
        }
    }

    fn reap(&mut self) {
        if let Some((mut postmaster, at_exit)) = self.postmaster.take() {
            postmaster.wait().expect("it is our child");
            // Only now, because the pid may be reused from here on.
            drop(at_exit);
        }
    }
}
