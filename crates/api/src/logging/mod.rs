//! The log: one line per event on standard output.
//!
//! Logging never blocks: a separate thread writes the lines, and lines are dropped if the buffer is full because nobody
//! reads them. Repeated warnings and errors are counted, not written (`dedup`). Both are reported in the log.

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use clap::ValueEnum;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::http::access_log;
use dedup::Dedup;

mod dedup;

/// The maximum number of buffered lines: a few megabytes, and more than is logged in a second.
const MAX_BUFFERED_LINES: usize = 4_096;

/// How often dropped and repeated lines are reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// How long the program waits on exit for the last lines to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Flushes the log on drop.
#[must_use]
#[derive(Debug)]
pub struct Log {
    reporter: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
    writer: Option<WorkerGuard>,
}

/// Starts the log, which also reports panics. Call it once. Requests are logged only if `log_requests` is set, whatever
/// the filter says.
///
/// # Errors
/// If the operating system refuses a thread.
pub fn start(format: LogFormat, filter: Targets, log_requests: bool) -> std::io::Result<Log> {
    let requests = if log_requests { LevelFilter::INFO } else { LevelFilter::OFF };
    let filter = filter.with_target(access_log::TARGET, requests);
    let is_terminal = std::io::stdout().is_terminal();
    let (lines, writer) = NonBlockingBuilder::default()
        .buffered_lines_limit(MAX_BUFFERED_LINES)
        .thread_name("log")
        .finish(std::io::stdout());
    let dropped = lines.error_counter();
    let dedup = Dedup::default();
    let layer = tracing_subscriber::fmt::layer().with_writer(lines);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(is_terminal).boxed(),
        LogFormat::Json => layer.json().boxed(),
    };
    tracing_subscriber::registry().with(layer).with(filter).with(dedup.clone()).init();
    // The default hook writes to standard error, which blocks if nobody reads it.
    std::panic::set_hook(Box::new(|panic| {
        let error = panic.to_string().replace('\n', " ");
        tracing::error!(error, "panicked");
    }));

    let (stop, stopped) = mpsc::channel();
    let reporter = thread::Builder::new().name("log-report".to_owned()).spawn(move || {
        let mut reported = 0;
        while stopped.recv_timeout(REPORT_INTERVAL) == Err(RecvTimeoutError::Timeout) {
            dedup.report();
            report_dropped(&dropped, &mut reported);
        }
        dedup.report();
        report_dropped(&dropped, &mut reported);
    })?;
    Ok(Log { reporter: Some((stop, reporter)), writer: Some(writer) })
}

/// Reports how many lines were dropped since the last report. If the report itself is dropped, the next one includes
/// them.
fn report_dropped(counter: &ErrorCounter, reported: &mut usize) {
    let dropped = counter.dropped_lines();
    if dropped == *reported {
        return;
    }
    let count = dropped - *reported;
    tracing::warn!(count, "lines of the log were dropped: standard output is not read fast enough");
    if counter.dropped_lines() == dropped {
        *reported = dropped;
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some((stop, reporter)) = self.reporter.take() {
            drop(stop);
            // It fails only if the thread panicked, which is logged already.
            drop(reporter.join());
        }
        // In a thread, because the writer's guard prints a warning to standard output, which blocks if nobody reads it.
        let (flushed, is_flushed) = mpsc::channel::<()>();
        let writer = self.writer.take();
        thread::spawn(move || {
            drop(writer);
            drop(flushed);
        });
        // Continue whether or not the log was flushed in time.
        let _ = is_flushed.recv_timeout(FLUSH_TIMEOUT);
    }
}
