//! The connection pool, and what an error means for its connection.

mod failure;
mod invalidation;
mod pool;

pub(crate) use failure::{
    CallError, DeadlinePassed, from_diesel, is_canceled, missed_deadline, reports_lost_connection,
};
pub(crate) use pool::{Connect, Pool, RetryPolicy, Session};
