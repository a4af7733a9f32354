//! The databases of the todo service: the domain's repository port, implemented with Diesel twice.
//!
//! | room | what it holds |
//! |---|---|
//! | [`database`] | the front door: from a URL to a repository |
//! | [`url`] | `DATABASE_URL` |
//! | [`migrations`] | the embedded migrations |
//! | `postgres`, `sqlite` | two wings with one floor plan: `connection`, `schema`, `row`, `statements`, `repository` |
//! | `workers` | the threads that wait for the database, their queue, and the way back |
//! | `pool` | connections that are trusted while they are warm |
//! | `error`, `keyset`, `cached` | what both wings need: the meaning of errors, row comparison, statements that are kept |

mod cached;
pub mod database;
mod error;
mod keyset;
pub mod migrations;
mod pool;
mod postgres;
mod refolding;
mod sqlite;
pub mod url;
mod workers;

pub use database::{DatabaseOptions, OpenError, StatementCache, migrate, migrate_with, open};
pub use migrations::{Migration, MigrationCommand, MigrationStatus, Migrations};
pub use url::{DatabaseUrl, InvalidDatabaseUrl};
