//! The server's binary as a real process, seen from outside.

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
    /// It runs in a fresh directory and sees no environment of the tests but PATH. It gets
    /// HOST, PORT, `DATABASE_URL`, `LOG_FORMAT=json`, `RUST_LOG=info` and `SHUTDOWN_DELAY=0s`,
    /// each of which `envs` may override, as long as the line `listening` is still logged, as
    /// JSON on stdout.
    ///
    /// Panics, with all that it wrote, if it does not listen within a minute.
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

    /// The port on which it listens.
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

    /// Asks it to stop: SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Ends it at once: SIGKILL. Returns when it is gone.
    pub fn kill(&self) {
        let mut child = self.child();
        // With its children, but not once it has been waited for: the pid may be another's.
        if child.try_wait().expect("it is our child").is_none() {
            process::shell(&format!("kill_group {}", self.pid));
            child.wait().expect("it is our child");
        }
    }

    /// Sends a signal by its name, such as `INT` or `STOP`, unless it has ended.
    pub fn signal(&self, name: &str) {
        // The lock keeps others from waiting for it meanwhile: the pid stays its own.
        let mut child = self.child();
        if child.try_wait().expect("it is our child").is_none() {
            process::signal(self.pid, name);
        }
    }

    /// Waits for it to end. Panics, with all that it wrote, if it has not after `timeout`.
    #[must_use]
    pub fn wait_exit(&self, timeout: Duration) -> ExitStatus {
        let deadline = Instant::now() + timeout;
        let status = loop {
            // Locked for a moment only: another thread may be about to signal it.
            if let Some(status) = self.child().try_wait().expect("it is our child") {
                break status;
            }
            let late = Instant::now() >= deadline;
            assert!(!late, "the server still runs after {timeout:?}; {}", self.output());
            thread::sleep(Duration::from_millis(5));
        };
        // What it wrote last has been read, too, when this returns.
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

    /// Its resident memory in bytes; `None` where there is no `/proc`, or it has ended.
    #[must_use]
    pub fn rss_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// How many threads it has; `None` where there is no `/proc`, or it has ended.
    #[must_use]
    pub fn threads(&self) -> Option<usize> {
        Some(fs::read_dir(format!("/proc/{}/task", self.pid)).ok()?.count())
    }

    /// The processor time it has used, in steps of 10 ms; `None` where there is no `/proc`.
    #[must_use]
    pub fn cpu_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        // The second field, the name in brackets, may hold spaces; 14 and 15 are the times.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let ticks: u64 =
            fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
        // Linux counts in hundredths of a second towards user space, whatever its own clock.
        Some(Duration::from_millis(ticks * 10))
    }

    fn wait_for_address(&self) -> String {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            // In this order: what an ended server wrote last is looked at once more.
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

/// The address in the line that says that the server listens.
fn listening(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = &line["fields"];
    if fields["message"] != "listening" {
        return None;
    }
    fields["address"].as_str().map(|address| address.trim_end_matches('/').to_owned())
}

/// The lines that a thread reads from a pipe.
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

    /// Waits until all has been read; not for ever, as a grandchild might hold the pipe.
    fn wait_end(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.reader.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
