//! The Postgres wing: `uuid` and `timestamptz`, at most one statement a call, prepared once per connection.

mod calls;
mod connection;
mod deadline;
mod for_each;
mod limit;
mod migrate;
mod pooler;
mod refolding;
mod repository;
mod row;
mod schema;
mod session;
mod split;
mod statements;

pub(crate) use deadline::was_too_late;
pub(crate) use migrate::migrate;
pub(crate) use refolding::fold_all;
pub(crate) use repository::PostgresTodoRepository;
