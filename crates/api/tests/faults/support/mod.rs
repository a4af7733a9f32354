//! Shared by all tests: servers, databases for fault injection, and clients that record every response.

pub(crate) mod pooler;
pub(crate) mod setup;
pub(crate) mod wait;

pub(crate) use todo_test_support::clients::{balancer, events, http, ledger, load, slow};
pub(crate) use todo_test_support::program;
