//! The log: one line an event on standard output.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// How the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Starts the log. Call it once.
pub fn start(format: LogFormat, filter: Targets) {
    let lines = tracing_subscriber::fmt::layer();
    match format {
        LogFormat::Text => {
            let lines = lines.with_ansi(std::io::stdout().is_terminal());
            tracing_subscriber::registry().with(lines.with_filter(filter)).init();
        }
        LogFormat::Json => {
            tracing_subscriber::registry().with(lines.json().with_filter(filter)).init();
        }
    }
}
