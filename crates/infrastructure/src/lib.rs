//! The databases of the todo service: the domain's repository port, implemented with Diesel twice.
//!
//! From the top, each module uses only those below it:
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@open`] | from a URL to a repository |
//! | `postgres`, `sqlite` | two adapters with the same files: `connection`, `schema`, `row`, `statements`, `repository` |
//! | `connections` | a pool of connections, and what an error means for the one it came on |
//! | `workers` | the threads that wait for the database, their queue, and the way back |
//! | `sql` | what Diesel's query builder lacks: row comparison, limits, one query for many callers, kept statements |
//! | [`migrations`] | the embedded migrations |
//! | [`url`] | `DATABASE_URL` |
//! | [`options`] | how a database is used, and why it could not be opened |

mod connections;
mod message;
pub mod migrations;
pub mod open;
pub mod options;
mod postgres;
mod sql;
mod sqlite;
pub mod url;
mod workers;

pub use migrations::{Migration, MigrationCommand, MigrationStatus, Migrations};
pub use open::{migrate, migrate_with, open};
pub use options::{DatabaseOptions, OpenError, StatementCache};
pub use url::{DatabaseUrl, InvalidDatabaseUrl};
