//! What every test stands on: a server of its own, a database to be hurt, clients that forget nothing.

pub(crate) mod http;
pub(crate) mod ledger;
pub(crate) mod load;
pub(crate) mod program;
pub(crate) mod setup;
pub(crate) mod stalls;
