//! The SQLite wing: ids as BLOBs, times as integers, one writing thread.

mod connection;
mod deadline;
mod file;
mod refolding;
mod repository;
mod row;
mod schema;
mod statements;
mod values;
mod watcher;
mod writer;

pub(crate) use connection::{Location, migrate};
pub(crate) use deadline::DeadlinePassed;
pub(crate) use refolding::fold_all;
pub(crate) use repository::SqliteTodoRepository;
