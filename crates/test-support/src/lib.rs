//! Test infrastructure: temporary databases and real server processes that are cleaned up
//! afterwards, however the test process ends.
//!
//! - [`reaper`]: cleans up after the test process, even if that was killed
//! - [`directory`]: temporary directories
//! - [`process`]: child processes that cannot outlive the test process
//! - [`postgres`]: a temporary Postgres cluster that tests can kill, freeze and restart
//! - [`database`]: one fresh database per test
//! - [`server`]: the server binary as a real process
//! - [`command`]: commands that are expected to exit
//! - [`program`]: programs and limits that a test needs and a machine may lack
//! - [`clients`]: clients of the server under test
//! - [`collector`]: a collector of traces
//! - [`issuer`]: an issuer of tokens, over TLS
//! - [`log`]: captures the log of the code under test
//!
//! Only the clients return errors. A failure of the test infrastructure has to fail the test, so
//! every other function panics with the reason.

#![expect(clippy::expect_used, reason = "a failure of the test infrastructure is a panic")]
#![expect(clippy::missing_panics_doc, reason = "see above: every function may panic")]

pub mod clients;
pub mod collector;
pub mod command;
pub mod database;
pub mod directory;
pub mod issuer;
pub mod log;
pub mod postgres;
pub mod process;
pub mod program;
pub mod reaper;
pub mod server;
