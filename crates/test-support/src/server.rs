//! The server binary as a real process, seen from outside.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    command,
    directory::TempDirectory,
    process,
    reaper::{self, AtExit},
};

/// Far more than a loaded machine needs.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running server. It is killed on drop, or by the [`reaper`].
#[derive(Debug)]
pub struct Server {
    child: Mutex<Child>,
    pid: u32,
    address: String,
    logs: Lines,
    stderr: Lines,
    // Dropped after the process has been waited for.
    _at_exit: AtExit,
    _directory: TempDirectory,
}

impl Server {
    /// Starts `binary` on a free port of 127.0.0.1 and waits until it logs that it listens.
    ///
    /// It runs in a fresh directory and inherits only PATH from the environment of the tests. It
    /// gets HOST, PORT, `DATABASE_URL`, `LOG_FORMAT=json`, `RUST_LOG=info` and `SHUTDOWN_DELAY=0s`.
    /// `envs` may override each of them, as long as the line `listening` is still logged as JSON
    /// on stdout.
    ///
    /// Panics with all output if it does not listen within a minute.
    #[must_use]
    pub fn start(binary: impl AsRef<Path>, database_url: &str, envs: &[(&str, &str)]) -> Self {
        let directory = TempDirectory::new();
        let mut command = command::isolated(binary.as_ref(), &directory);
        command
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("DATABASE_URL", database_url)
            .env("LOG_FORMAT", "json")
            .env("RUST_LOG", "info")
            .env("SHUTDOWN_DELAY", "0s")
            .envs(envs.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let (mut child, at_exit) = process::spawn(command, reaper::kill_at_exit);
        let mut server = Self {
            logs: Lines::read(child.stdout.take().expect("stdout is piped")),
            stderr: Lines::read(child.stderr.take().expect("stderr is piped")),
            pid: child.id(),
            child: Mutex::new(child),
            address: String::new(),
            _at_exit: at_exit,
            _directory: directory,
        };
        server.address = server.wait_for_address();
        server
    }

    /// The URL of a path that begins with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        let port = self.address.rsplit(':').next().and_then(|port| port.parse().ok());
        port.unwrap_or_else(|| panic!("{} names no port", self.address))
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Asks it to stop, with SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Kills it with SIGKILL, and waits until it has ended.
    pub fn kill(&self) {
        let mut child = self.child();
        // With its children, but not after it was waited for: the pid may have been reused.
        if child.try_wait().expect("it is our child").is_none() {
            process::shell(&format!("kill_group {}", self.pid));
            child.wait().expect("it is our child");
        }
    }

    /// Sends it a signal by name, such as `INT` or `STOP`, unless it has ended.
    pub fn signal(&self, name: &str) {
        // While the lock is held, no other thread can wait for the child, so its pid is not reused.
        let mut child = self.child();
        if child.try_wait().expect("it is our child").is_none() {
            process::signal(self.pid, name);
        }
    }

    /// Waits for it to exit. Panics with all output if it is still running after `timeout`.
    #[must_use]
    pub fn wait_exit(&self, timeout: Duration) -> ExitStatus {
        let deadline = Instant::now() + timeout;
        let status = loop {
            // Locked only for a moment: another thread may want to send a signal.
            if let Some(status) = self.child().try_wait().expect("it is our child") {
                break status;
            }
            let late = Instant::now() >= deadline;
            assert!(!late, "the server still runs after {timeout:?}; {}", self.output());
            thread::sleep(Duration::from_millis(5));
        };
        // So that all output has been read when this returns.
        self.logs.wait_end();
        self.stderr.wait_end();
        status
    }

    /// Whether it has not ended yet.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.child().try_wait().expect("it is our child").is_none()
    }

    /// The lines of its standard output so far: its log.
    #[must_use]
    pub fn logs(&self) -> Vec<String> {
        self.logs.lines().clone()
    }

    /// The lines of its standard error so far.
    #[must_use]
    pub fn stderr(&self) -> Vec<String> {
        self.stderr.lines().clone()
    }

    /// Its resident memory in bytes; `None` without `/proc`, or if it has ended.
    #[must_use]
    pub fn rss_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// How many threads it has; `None` without `/proc`, or if it has ended.
    #[must_use]
    pub fn threads(&self) -> Option<usize> {
        Some(fs::read_dir(format!("/proc/{}/task", self.pid)).ok()?.count())
    }

    /// The CPU time it has used, in steps of 10 ms; `None` without `/proc`.
    #[must_use]
    pub fn cpu_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        // The second field, the name in brackets, may contain spaces; 14 and 15 are the times.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let ticks: u64 =
            fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
        // Linux reports hundredths of a second to user space, whatever its internal clock.
        Some(Duration::from_millis(ticks * 10))
    }

    fn wait_for_address(&self) -> String {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            // Checked first, so that the last output of a server that has ended is still searched.
            let running = self.is_running();
            if !running {
                self.logs.wait_end();
                self.stderr.wait_end();
            }
            if let Some(address) = self.logs.lines().iter().find_map(|line| listening(line)) {
                return address;
            }
            assert!(running, "the server ended before it listened; {}", self.output());
            assert!(Instant::now() < deadline, "the server does not listen; {}", self.output());
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn output(&self) -> String {
        format!("it wrote:\n{}\n{}", self.logs().join("\n"), self.stderr().join("\n"))
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The address in the log line `listening`.
fn listening(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = &line["fields"];
    if fields["message"] != "listening" {
        return None;
    }
    fields["address"].as_str().map(|address| address.trim_end_matches('/').to_owned())
}

/// The lines of a pipe, read by a thread.
#[derive(Debug)]
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

impl Lines {
    fn read(pipe: impl std::io::Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                sink.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { lines, reader }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all lines have been read, with a limit, because a grandchild might hold the pipe open.
    fn wait_end(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.reader.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
