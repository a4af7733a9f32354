//! Connections: a pool that trusts them only while they are warm, and what an error means for the one it came on.

mod failure;
mod pool;

pub(crate) use failure::{DeadlinePassed, from_diesel};
pub(crate) use pool::{Pool, Repeat, Session};
