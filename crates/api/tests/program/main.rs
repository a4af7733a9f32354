//! The program from the operator's view: flags, environment, exit codes, one-line errors, signals.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

mod access_log;
mod backups;
mod databases;
mod documents;
mod healthcheck;
mod identity;
mod installing;
mod logs;
mod metrics;
mod migrations;
mod running;
mod sandbox;
mod secrets;
mod settings;
mod starting;
mod support;
mod traces;
mod upgrading;
