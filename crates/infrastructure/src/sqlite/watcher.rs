//! A thread that checks the database files, logs what happened to them, and keeps the write-ahead log (WAL) short.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::Integer;

use super::connection::{self, Location};
use super::file::{DatabaseFile, FileProblem};
use crate::options::OpenError;

/// The interval of the checks. For this long, reads may not notice that their file is gone.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// How long a checkpoint that truncates the WAL may wait for readers, and block writes. It does not block new readers.
const MAX_CHECKPOINT_WAIT: Duration = Duration::from_millis(50);

/// How often saving a deleted WAL is tried, an interval apart. Together that is longer than most reads take.
const MAX_SAVE_ATTEMPTS: u32 = 20;

/// A longer WAL is truncated. SQLite restarts the WAL from its beginning at about half of that, but does not shorten the
/// file.
const WAL_TRUNCATE_BYTES: u64 = 8 * 1024 * 1024;

/// At this length, and each time it has doubled, a warning is logged.
const WAL_WARNING_BYTES: u64 = 64 * 1024 * 1024;

/// A handle of the thread, which ends when this is dropped.
pub(super) struct Watcher {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts the thread. It has its own connection, because SQLite would delete the WAL when the last connection is
    /// closed.
    ///
    /// # Errors
    /// If the connection cannot be opened, or the operating system refuses to start a thread.
    pub(super) fn start(location: &Location, file: &Arc<DatabaseFile>) -> Result<Self, OpenError> {
        let mut state = WatcherState {
            connection: connection::connect(location, MAX_CHECKPOINT_WAIT)?,
            file: Arc::clone(file),
            reported: None,
            next_warning_bytes: WAL_WARNING_BYTES,
        };
        let (stop, stopped) = mpsc::channel();
        let run = move || {
            while stopped.recv_timeout(CHECK_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                state.check();
            }
        };
        let thread = thread::Builder::new().name("sqlite-watcher".to_owned()).spawn(run)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked, there is nothing to wait for.
            drop(thread.join());
        }
    }
}

struct WatcherState {
    connection: SqliteConnection,
    file: Arc<DatabaseFile>,
    /// The current problem, which has been logged.
    reported: Option<FileProblem>,
    next_warning_bytes: u64,
}

/// The result of `PRAGMA wal_checkpoint`.
#[derive(QueryableByName)]
struct Checkpoint {
    /// 1 if another connection blocked it.
    #[diesel(sql_type = Integer)]
    busy: i32,
    /// Pages in the WAL.
    #[diesel(sql_type = Integer)]
    log: i32,
    /// Those of them that have been copied into the database file.
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

impl WatcherState {
    fn check(&mut self) {
        match self.file.check() {
            Ok(()) => {
                if self.reported.take().is_some() {
                    tracing::info!(path = %self.path(), "the database file is back in its place");
                }
                self.truncate_long_wal();
            }
            Err(problem) => {
                if self.reported.as_ref() != Some(&problem) {
                    self.report(&problem);
                    self.reported = Some(problem);
                }
            }
        }
    }

    /// Logs what happened, and how to fix it.
    fn report(&mut self, problem: &FileProblem) {
        let advice = match problem {
            // The process still has the WAL open, and can save its content.
            _ if self.file.is_only_wal_missing(problem) => {
                if self.save_wal() {
                    "its content has been saved to the database file; move it back, or restart this program"
                } else {
                    "its content could not be saved; move it back before this program ends"
                }
            }
            FileProblem::Missing(_) => {
                "move the same file back; if it was deleted, copy it from /proc before this program ends \
                 (docs/operations.md); a restart begins with an empty database"
            }
            FileProblem::Replaced(_) => {
                "move the old file back, or restart this program to use the new one"
            }
            FileProblem::Unknown(..) => "make it accessible again",
        };
        let path = self.path();
        tracing::error!(%path, "all calls fail with 503, because {problem}: {advice}");
    }

    /// Copies the whole WAL into the database file. Readers may block that for a while.
    fn save_wal(&mut self) -> bool {
        (0..MAX_SAVE_ATTEMPTS).any(|attempt| {
            if attempt > 0 {
                thread::sleep(CHECK_INTERVAL);
            }
            self.checkpoint("PASSIVE").is_ok_and(|it| it.log == it.checkpointed)
        })
    }

    /// Truncates the WAL if it is long. A passive checkpoint copies its pages without blocking others. If it copied all
    /// of them, the second checkpoint blocks writes only for a moment.
    fn truncate_long_wal(&mut self) {
        let bytes = self.file.wal_bytes();
        if bytes <= WAL_TRUNCATE_BYTES {
            self.next_warning_bytes = WAL_WARNING_BYTES;
            return;
        }
        let is_truncated = self
            .checkpoint("PASSIVE")
            .and_then(|_| self.checkpoint("TRUNCATE"))
            .inspect_err(|error| tracing::debug!(%error, "the write-ahead log was not truncated"))
            .is_ok_and(|it| it.busy == 0);
        if !is_truncated && bytes >= self.next_warning_bytes {
            self.next_warning_bytes = bytes * 2;
            tracing::warn!(
                path = %self.path(),
                mebibytes = bytes / 1024 / 1024,
                "the write-ahead log has grown, and cannot be truncated until long transactions end: look for another \
                 program that has the database open"
            );
        }
    }

    fn checkpoint(&mut self, mode: &str) -> QueryResult<Checkpoint> {
        diesel::sql_query(format!("PRAGMA wal_checkpoint({mode})")).get_result(&mut self.connection)
    }

    fn path(&self) -> String {
        self.file.path().display().to_string()
    }
}
