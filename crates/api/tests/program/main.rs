//! The program as whoever runs it sees it: flags, environment, exit codes, one line on standard error, signals.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

mod databases;
mod documents;
mod logs;
mod migrations;
mod running;
mod sandbox;
mod secrets;
mod settings;
mod starting;
mod support;
