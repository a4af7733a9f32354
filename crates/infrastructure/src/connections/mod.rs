//! The connection pool, and what an error means for its connection.

mod failure;
mod pool;

pub(crate) use failure::{DeadlinePassed, from_diesel};
pub(crate) use pool::{Connect, Pool, RetryPolicy, Session};
