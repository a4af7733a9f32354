//! What the server does when its environment fails, with real processes, signals and load.
//!
//! `docs/reliability.md` lists the guarantees that these tests check. They run in parallel, on machines with other
//! work: they wait for events, count, and compare orders. No test asserts a maximum time; `cargo bench --bench faults`
//! measures times.

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
mod streams;
mod support;
mod tls;
mod unreadable;
mod wal;
mod writers;
