//! The Postgres wing: `uuid` and `timestamptz`, one statement a call, prepared once per connection.

mod connection;
mod limit;
mod pooler;
mod repository;
mod row;
mod schema;
mod statements;

pub(crate) use connection::{connect, migrate, notice_end, open};
pub(crate) use repository::PostgresTodoRepository;
