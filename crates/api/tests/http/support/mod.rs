//! What every test stands on: the real server on a fresh database, and clients that check each answer.

mod answer;
mod api;
mod client;
pub(crate) mod database;
mod description;
mod operations;
mod raw;

pub(crate) use self::answer::{Answer, unzipped};
pub(crate) use self::api::Api;
pub(crate) use self::client::{Client, TODOS, at, escaped, id_of, path_of};
pub(crate) use self::operations::Operation;
