//! The sandbox: a server for developing frontends. It has sample data in memory, and injects the faults that a frontend
//! must handle: slow responses, failures and lost responses.
//!
//! | module | contents |
//! |---|---|
//! | [`users`] | the users |
//! | `todos`, `long_list` | their todos |
//! | [`seed`] | writing the todos to the database |
//! | [`faults`] | fault injection, at random or on request |
//! | `header` | the header `X-Sandbox` |
//! | [`options`], [`latency`] | the flags |
//! | [`text`] | the texts printed at start-up and shown in `/docs` |
//! | [`demo`] | the example page at `/demo` |
//! | `random` | reproducible random numbers |

pub mod demo;
pub mod faults;
mod header;
pub mod latency;
mod long_list;
pub mod options;
mod random;
pub mod seed;
pub mod text;
mod todos;
pub mod users;

pub use header::X_SANDBOX;
pub use options::SandboxOptions;
