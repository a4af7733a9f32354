//! The log: one line an event on standard output.
//!
//! Logging never waits: a thread of its own writes the lines, and drops those for which there is no room because
//! nobody reads them. Warnings and errors that repeat are counted, not written (`repeats`). Both are said in the log.

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use clap::ValueEnum;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use repeats::Repeats;

mod repeats;

/// How many lines may wait to be written. Few megabytes; more than is logged in a second.
const LINES: usize = 4_096;

/// How often what was left out is reported.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// How long the program's end waits for the last lines to be written.
const FLUSH: Duration = Duration::from_secs(2);

/// How the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Writes what is left of the log when it is dropped.
#[must_use]
#[derive(Debug)]
pub struct Log {
    reporter: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
    writer: Option<WorkerGuard>,
}

/// Starts the log, to which panics are reported too. Call it once.
///
/// # Errors
/// When the operating system refuses a thread.
pub fn start(format: LogFormat, filter: Targets) -> std::io::Result<Log> {
    let is_terminal = std::io::stdout().is_terminal();
    let (lines, writer) = NonBlockingBuilder::default()
        .buffered_lines_limit(LINES)
        .thread_name("log")
        .finish(std::io::stdout());
    let dropped = lines.error_counter();
    let repeats = Repeats::default();
    let layer = tracing_subscriber::fmt::layer().with_writer(lines);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(is_terminal).boxed(),
        LogFormat::Json => layer.json().boxed(),
    };
    tracing_subscriber::registry().with(layer).with(filter).with(repeats.clone()).init();
    // The standard library's own hook would wait for the reader of standard error.
    std::panic::set_hook(Box::new(|panic| {
        let error = panic.to_string().replace('\n', " ");
        tracing::error!(error, "panicked");
    }));

    let (stop, stopped) = mpsc::channel();
    let reporter = thread::Builder::new().name("log-report".to_owned()).spawn(move || {
        let mut reported = 0;
        while stopped.recv_timeout(REPORT_EVERY) == Err(RecvTimeoutError::Timeout) {
            repeats.report();
            report_dropped(&dropped, &mut reported);
        }
        repeats.report();
        report_dropped(&dropped, &mut reported);
    })?;
    Ok(Log { reporter: Some((stop, reporter)), writer: Some(writer) })
}

/// Says how many lines were dropped since that was last said, if there is room for this line.
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
            // It has nothing to tell but that it panicked, which it logged.
            drop(reporter.join());
        }
        // In a thread, because the writer's guard complains on standard output when nobody reads that, and so waits.
        let (flushed, is_flushed) = mpsc::channel::<()>();
        let writer = self.writer.take();
        thread::spawn(move || {
            drop(writer);
            drop(flushed);
        });
        // It ends in either case.
        let _ = is_flushed.recv_timeout(FLUSH);
    }
}
