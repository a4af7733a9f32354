//! What the tests stand on: throw-away databases and real server processes that are
//! gone afterwards, whatever way the test process ends.
//!
//! - [`reaper`]: cleans up after the test process, even one that was killed
//! - [`directory`]: temporary directories
//! - [`process`]: child processes that cannot outlive the test process
//! - [`postgres`]: a throw-away Postgres cluster, also to be killed, frozen and restarted
//! - [`database`]: one fresh database for one test
//! - [`server`]: the server's binary as a real process
//! - [`command`]: a command that is expected to end
//! - [`program`]: programs and limits that a test needs and a machine may lack
//! - [`clients`]: clients of the server, and what became of their calls
//! - [`log`]: what the code under test logs
//!
//! Nothing here but the clients returns an error: a tool of the tests that fails has to
//! fail the test, so every function panics and says why.

#![expect(clippy::expect_used, reason = "a failure of a test's own tools is a panic")]
#![expect(clippy::missing_panics_doc, reason = "see above: every function may")]

pub mod clients;
pub mod command;
pub mod database;
pub mod directory;
pub mod log;
pub mod postgres;
pub mod process;
pub mod program;
pub mod reaper;
pub mod server;
