//! Shared by all tests: the real server on a fresh database, and clients that check each response.

mod api;
mod client;
pub(crate) mod database;
mod description;
mod operations;
mod raw;

pub(crate) use self::api::Api;
pub(crate) use self::client::{
    Call, Client, EVENTS, ME, TODOS, id_of, path_of, percent_encoded, todo_path,
};
pub(crate) use self::operations::Operation;
pub(crate) use todo_test_support::clients::http::Response;
