//! What the server does when the world around it fails: real processes, real signals, real load.
//!
//! `docs/reliability.md` lists what these tests promise and what they measured. They run one after the other,
//! because all of them look at the clock.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

mod crash;
mod disk;
mod frozen;
mod hostile;
mod idle;
mod killed;
mod late_writes;
mod neighbours;
mod overload;
mod panics;
mod pooler;
mod slow;
mod stopping;
mod support;
mod tls;
mod writers;
