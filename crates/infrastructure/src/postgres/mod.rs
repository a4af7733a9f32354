//! The Postgres wing: `uuid` and `timestamptz`, at most one statement a call, prepared once per connection.

mod calls;
mod connection;
mod deadline;
mod for_each;
mod limit;
mod pooler;
mod repository;
mod row;
mod schema;
mod session;
mod statements;

pub(crate) use connection::migrate;
pub(crate) use deadline::was_too_late;
pub(crate) use repository::PostgresTodoRepository;
