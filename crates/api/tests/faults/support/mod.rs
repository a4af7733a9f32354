//! What every test stands on: a server of its own, a database to be hurt, clients that forget nothing.

pub(crate) mod pooler;
pub(crate) mod setup;
pub(crate) mod wait;

pub(crate) use todo_test_support::clients::{balancer, http, ledger, load, slow};
pub(crate) use todo_test_support::program;
