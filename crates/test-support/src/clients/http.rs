//! The HTTP client of all tests and benchmarks. It exposes what a library would hide: resets, closed connections, late
//! responses.
//!
//! - [`Request`]: a request as bytes
//! - [`Received`]: the bytes received on a connection, parsed by `httparse`
//! - [`Response`]: a complete response, with assertions
//! - [`Connection`]: one blocking connection, for tests that write the bytes of their requests themselves
//! - [`Client`]: the calls of one user on a persistent connection

mod client;
mod connection;
mod received;
mod request;
mod response;

use std::time::Duration;

pub use client::Client;
pub use connection::{Connection, connect, idle_connection};
pub(crate) use connection::{address, ended_early};
pub use received::Received;
pub use request::Request;
pub use response::Response;

/// Ends a test that hangs. It says nothing about the expected speed.
pub const HANG_TIMEOUT: Duration = Duration::from_secs(60);
