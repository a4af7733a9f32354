//! What the server does when the world around it fails: real processes, real signals, real load.
//!
//! `docs/reliability.md` lists what these tests promise. They run beside each other and beside whatever the machine
//! does: they wait for events, count, and compare orders. No test expects anything to take less than some time;
//! `cargo bench --bench faults` measures that.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

mod connections;
mod crash;
mod disk;
mod frozen;
mod hostile;
mod idle;
mod killed;
mod late_writes;
mod log;
mod neighbours;
mod overload;
mod panics;
mod pooler;
mod probe;
mod readers;
mod slow;
mod sqlite_files;
mod stopping;
mod support;
mod tls;
mod unreadable;
mod wal;
mod writers;
