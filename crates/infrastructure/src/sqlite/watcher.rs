//! The thread that watches over the files: it tells what has become of them, and keeps the write-ahead log short.

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

/// How often it looks. As long reads may go on unaware that their file is gone.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long, each time, it may keep writes waiting for readers that stand in the way of cutting the log back. New
/// readers do not.
const MAX_WAIT: Duration = Duration::from_millis(50);

/// How often it tries to save a log that was deleted, an interval apart: longer than most reads take.
const MAX_SAVE_ATTEMPTS: u32 = 20;

/// A log of more bytes is cut back. SQLite itself begins it anew when it has about half of that, but then leaves it
/// as long as it is.
const LONG_LOG_BYTES: u64 = 8 * 1024 * 1024;

/// At this length, and each time it has doubled since, the log of the program says so.
const ALARMING_LOG_BYTES: u64 = 64 * 1024 * 1024;

/// Watches until it is dropped.
pub(super) struct Watcher {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts the thread, which keeps a connection of its own open: without, SQLite would delete the write-ahead log
    /// whenever the last other one is closed.
    ///
    /// # Errors
    /// When the connection cannot be opened, or the operating system grants no thread.
    pub(super) fn start(location: &Location, file: &Arc<DatabaseFile>) -> Result<Self, OpenError> {
        let mut watch = Watch {
            connection: connection::connect(location, MAX_WAIT)?,
            file: Arc::clone(file),
            told: None,
            next_alarm_bytes: ALARMING_LOG_BYTES,
        };
        let (stop, stopped) = mpsc::channel();
        let watch = move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                watch.look();
            }
        };
        let thread = thread::Builder::new().name("sqlite-watcher".to_owned()).spawn(watch)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked, there is nothing left to wait for.
            drop(thread.join());
        }
    }
}

struct Watch {
    connection: SqliteConnection,
    file: Arc<DatabaseFile>,
    /// The problem that the log tells of.
    told: Option<FileProblem>,
    next_alarm_bytes: u64,
}

/// What a checkpoint answers.
#[derive(QueryableByName)]
struct Checkpoint {
    /// 1 if something kept it from all that it was to do.
    #[diesel(sql_type = Integer)]
    busy: i32,
    /// Pages in the log.
    #[diesel(sql_type = Integer)]
    log: i32,
    /// Those of them that are in the database file, too.
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

impl Watch {
    fn look(&mut self) {
        match self.file.check() {
            Ok(()) => {
                if self.told.take().is_some() {
                    tracing::info!(path = %self.path(), "the database file is back in its place");
                }
                self.keep_log_short();
            }
            Err(problem) => {
                if self.told.as_ref() != Some(&problem) {
                    self.tell(&problem);
                    self.told = Some(problem);
                }
            }
        }
    }

    /// Says what has happened, and how to put it right.
    fn tell(&mut self, problem: &FileProblem) {
        let advice = match problem {
            // Its content is still at hand, but only as long as this process runs.
            _ if self.file.lacks_only_a_log(problem) => {
                if self.save_log() {
                    "what it held has been saved into the database file; move it back, or restart this program"
                } else {
                    "what it held could not be saved; move it back before this program ends"
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
        tracing::error!(%path, "all calls are answered by 503, because {problem}: {advice}");
    }

    /// Copies all that the log holds into the database file. Readers may stand in the way for a while.
    fn save_log(&mut self) -> bool {
        (0..MAX_SAVE_ATTEMPTS).any(|attempt| {
            if attempt > 0 {
                thread::sleep(INTERVAL);
            }
            self.checkpoint("PASSIVE").is_ok_and(|it| it.log == it.checkpointed)
        })
    }

    /// Cuts a long log back. Its pages are copied first without keeping anybody waiting; if that was all of them,
    /// the rest takes a moment, for which writes wait.
    fn keep_log_short(&mut self) {
        let bytes = self.file.write_ahead_log_bytes();
        if bytes <= LONG_LOG_BYTES {
            self.next_alarm_bytes = ALARMING_LOG_BYTES;
            return;
        }
        let is_cut = self
            .checkpoint("PASSIVE")
            .and_then(|_| self.checkpoint("TRUNCATE"))
            .inspect_err(|error| tracing::debug!(%error, "the write-ahead log was not cut back"))
            .is_ok_and(|it| it.busy == 0);
        if !is_cut && bytes >= self.next_alarm_bytes {
            self.next_alarm_bytes = bytes * 2;
            tracing::warn!(
                path = %self.path(),
                mebibytes = bytes / 1024 / 1024,
                "the write-ahead log has grown, and goes on growing until the transactions end that have read or \
                 written the database for long: look for another program that has it open"
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
