//! Creates and starts a cluster.

use std::{
    fs,
    fs::File,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Cluster, options::SETTINGS, psql};
use crate::{process, program::free_port, reaper};

/// Far more than a loaded machine needs.
const TIMEOUT: Duration = Duration::from_secs(60);

impl Cluster {
    pub(super) fn initialize(&self) {
        let directory = self.directory.path();
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).expect("it is ours");
        self.account.own(directory);

        let mut initdb = process::gated(self.binaries.initdb());
        initdb
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"])
            // Small WAL segments, because the first ones are written completely.
            .args(["--no-sync", "--wal-segsize=4", "-D"])
            .arg(self.data());
        self.prepare(&mut initdb);
        initdb.stdout(self.log_file()).stderr(self.log_file());
        // It takes a second, and would leave shared memory behind if it were killed.
        let let_end = |pid| reaper::run_at_exit(&format!("let_end {pid}"));
        let (mut child, at_exit) = process::spawn(initdb, let_end);
        let status = child.wait().expect("it is our child");
        drop(at_exit);
        assert!(status.success(), "initdb failed: {status}\n{}", self.log());

        for (name, contents) in &self.options.files {
            let path = self.data().join(name);
            fs::write(&path, contents).expect("the data directory is ours");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
            self.account.own(&path);
        }
    }

    pub(super) fn launch_on_a_free_port(&mut self) {
        // Another process may take the port meanwhile; Postgres exits in that case.
        for _ in 0..10 {
            self.port = free_port();
            if self.launch() {
                return;
            }
        }
        panic!("postgres does not start:\n{}", self.log());
    }

    /// Starts a server that was stopped or killed again, on the same port, with the same data.
    /// Returns when it accepts connections.
    pub fn start_again(&mut self) {
        assert!(self.postmaster.is_none(), "the cluster runs already");
        let deadline = Instant::now() + TIMEOUT;
        // Children of the killed server may still hold its shared memory.
        while !self.launch() {
            assert!(Instant::now() < deadline, "postgres does not start again:\n{}", self.log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Starts the server; false if it exited before it accepted connections.
    fn launch(&mut self) -> bool {
        let mut postgres = process::gated(self.binaries.postgres());
        postgres.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        let socket = format!("unix_socket_directories={}", self.directory.path().display());
        postgres.args(["-c", &socket]);
        let chosen = self.options.settings.iter().map(|(name, value)| (&**name, &**value));
        for (name, value) in SETTINGS.into_iter().chain(chosen) {
            postgres.args(["-c", &format!("{name}={value}")]);
        }
        self.prepare(&mut postgres);
        postgres.stdout(self.log_file()).stderr(self.log_file());
        let stop = |pid| reaper::run_at_exit(&format!("stop_cluster {pid} QUIT 50"));
        let (mut child, at_exit) = process::spawn(postgres, stop);

        let deadline = Instant::now() + TIMEOUT;
        while !self.is_ready(child.id()) {
            if child.try_wait().expect("it is our child").is_some() {
                return false;
            }
            if Instant::now() >= deadline {
                self.postmaster = Some((child, at_exit));
                panic!("postgres is not ready after {TIMEOUT:?}:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.postmaster = Some((child, at_exit));
        true
    }

    /// Reads readiness from the server's pid file, because another process might accept
    /// connections on the port.
    fn is_ready(&self, postmaster: u32) -> bool {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let line = |number| file.lines().nth(number).map_or("", str::trim);
        line(0) == postmaster.to_string() && line(7) == "ready"
    }

    fn prepare(&self, command: &mut Command) {
        psql::without_settings(command);
        // English messages, whatever the developer's locale.
        command.env("LC_ALL", "C").current_dir(self.directory.path());
        self.account.run(command);
    }

    fn log_file(&self) -> Stdio {
        let log = File::options().create(true).append(true).mode(0o644).open(self.log_path());
        log.expect("the directory is ours").into()
    }
}
