//! What the benchmarks share.
//!
//! - [`binaries`]: which servers are compared
//! - [`calls`]: the calls, as bytes on the wire and as SQL
//! - [`data`]: the todos they meet, made over HTTP
//! - [`figures`]: settings, medians, and what the machine does besides
//! - [`load`]: one call on many connections, by a process of its own
//! - [`postgres`]: clusters that lose nothing
//! - [`sql`]: todos made by SQL, and sessions of one's own

pub(crate) mod binaries;
pub(crate) mod calls;
pub(crate) mod data;
pub(crate) mod figures;
pub(crate) mod load;
pub(crate) mod postgres;
pub(crate) mod sql;
