//! Shared by the benchmarks.
//!
//! - [`binaries`]: the server binaries to compare
//! - [`calls`]: the calls, as bytes on the wire and as SQL
//! - [`data`]: the test data, created over HTTP
//! - [`figures`]: settings, medians, and the load of the machine
//! - [`load`]: one kind of call on many connections, from a separate process
//! - [`postgres`]: durable clusters
//! - [`sql`]: test data created with SQL, and database sessions

pub(crate) mod binaries;
pub(crate) mod calls;
pub(crate) mod data;
pub(crate) mod figures;
pub(crate) mod load;
pub(crate) mod postgres;
pub(crate) mod sql;
