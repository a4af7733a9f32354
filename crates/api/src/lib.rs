//! The HTTP API of the todo service.
//!
//! | module | contents |
//! |---|---|
//! | [`todos`] | the routes below `/api/v1/todos`, one file per operation, and the types of requests and responses |
//! | [`tags`] | the routes below `/api/v1/tags` |
//! | [`me`] | `/api/v1/me` |
//! | [`health`] | `/health` and `/health/ready` |
//! | [`docs`] | `/docs` and `/openapi.json` |
//! | [`openapi`] | the OpenAPI document, generated from the code |
//! | [`error`] | all errors: status, code, text and format |
//! | [`events`] | event streams: who listens, and how they hear of changes |
//! | [`http`] | what all routes share: the caller, bodies, entity tags, CORS, request ids |
//! | [`identity`] | verifying tokens, and the keys for that |
//! | [`server`], [`shutdown`] | starting and stopping the server |
//! | [`purge`] | removing old tombstones |
//! | [`metrics`] | metrics for Prometheus, on a listener of their own |
//! | [`traces`] | traces by OpenTelemetry |
//! | [`settings`], [`logging`] | configuration and logging |
//! | [`sandbox`] | a server for developing frontends: sample data, and fault injection |
//!
//! The binary's `main.rs` combines it with a database; this library does not know any database.

pub mod docs;
pub mod error;
pub mod events;
pub mod health;
pub mod http;
pub mod identity;
pub mod logging;
pub mod me;
pub mod metrics;
pub mod openapi;
pub mod purge;
pub mod sandbox;
pub mod server;
pub mod settings;
pub mod shutdown;
pub mod tags;
pub mod todos;
pub mod traces;
