//! The HTTP face of the todo service.
//!
//! | room | what it holds |
//! |---|---|
//! | [`todos`] | the routes below `/api/v1/todos`, one file an operation, and what goes over the wire |
//! | [`health`] | `/health` and `/health/ready` |
//! | [`docs`] | `/docs` and `/openapi.json` |
//! | [`openapi`] | the API description, generated from the code |
//! | [`error`] | every error, in one table and one shape |
//! | [`http`] | what every request goes through: caller, bodies, entity tags, CORS, request ids |
//! | [`server`], [`shutdown`] | the server as a value, from the first request to the last |
//! | [`settings`], [`logging`] | configuration |
//! | [`sandbox`] | the server that frontends are developed against: users with todos, faults on request |
//!
//! The binary's `main.rs` puts it together with a database; nothing here knows one.

pub mod docs;
pub mod error;
pub mod health;
pub mod http;
pub mod logging;
pub mod openapi;
pub mod sandbox;
pub mod server;
pub mod settings;
pub mod shutdown;
pub mod todos;
