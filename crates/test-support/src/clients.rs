//! Clients of the server under test, from a single one to thousands.
//!
//! - [`http`]: the HTTP client of all tests and benchmarks
//! - [`ledger`]: the expected state of one user's todos
//! - [`load`]: many concurrent clients
//! - [`slow`]: clients that send or read one byte per second
//! - [`events`]: a client of event streams
//! - [`balancer`]: a load balancer in front of two servers

pub mod balancer;
pub mod events;
pub mod http;
pub mod ledger;
pub mod load;
pub mod slow;
