//! Clients of the server under test, from one careful one to thousands, and what became of their calls.
//!
//! - [`http`]: one connection of a client that sees what a library would hide
//! - [`ledger`]: what one user was told about their todos
//! - [`load`]: many clients at once
//! - [`slow`]: clients that send or read a byte a second
//! - [`balancer`]: a load balancer in front of two copies

pub mod balancer;
pub mod http;
pub mod ledger;
pub mod load;
pub mod slow;
