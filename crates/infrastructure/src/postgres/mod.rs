//! The Postgres wing: `uuid` and `timestamptz`, at most one statement a call, prepared once per connection.

mod calls;
mod connection;
mod for_each;
mod limit;
mod pooler;
mod repository;
mod row;
mod schema;
mod statements;

pub(crate) use calls::MAX_TOGETHER;
pub(crate) use connection::{connect, migrate, notice_end, open};
pub(crate) use repository::PostgresTodoRepository;
