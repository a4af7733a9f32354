//! The sandbox: a server to develop a frontend against. Three users with todos, in memory, and the faults that a
//! frontend has to be ready for: slow answers, failures, answers that get lost.
//!
//! | room | what it holds |
//! |---|---|
//! | [`users`] | who has todos in it |
//! | `todos`, `long_list` | these todos |
//! | [`seed`] | how they get there |
//! | [`faults`] | fault injection, by rate or because a request asks for it |
//! | `header` | `X-Sandbox` |
//! | [`options`], [`latency`] | the flags |
//! | [`text`] | what is said about it, at start and in `/docs` |
//! | `random` | random numbers |

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
