//! The databases of the todo service: two implementations of the domain's repository port, both with Diesel.
//!
//! Each module only uses modules below it:
//!
//! | module | contents |
//! |---|---|
//! | [`mod@open`] | from a URL to a repository |
//! | [`backup`] | the contents of a backup, and the errors |
//! | `postgres`, `sqlite` | two adapters with the same files: `connection`, `schema`, `row`, `statements`, `repository` |
//! | `connections` | the connection pool, and the classification of errors |
//! | `workers` | the worker threads, their queue, and the reply channel |
//! | `unavailable` | the causes of unavailability, for metrics |
//! | `metrics` | what is measured, if metrics are on |
//! | [`traces`] | what is told about the calls of traced requests |
//! | `sql` | what Diesel's query builder lacks: row comparison, limits, one query for many calls, statement caching; how a list is read in parts |
//! | [`migrations`] | the embedded migrations |
//! | [`url`] | `DATABASE_URL` |
//! | [`options`] | the options for opening a database, and the errors |

pub mod backup;
mod connections;
mod message;
mod metrics;
pub mod migrations;
pub mod open;
pub mod options;
mod postgres;
mod sql;
mod sqlite;
pub mod traces;
mod unavailable;
pub mod url;
mod workers;

pub use backup::{BackupContents, BackupError, Restored};
pub use migrations::{Migration, MigrationCommand, MigrationStatus, Migrations};
pub use open::{back_up, change_relay, migrate, migrate_with, open, open_observed, restore};
pub use options::{DatabaseOptions, Observers, OpenError, StatementCache};
pub use unavailable::{UNAVAILABLE_CAUSES, unavailable_cause};
pub use url::{DatabaseUrl, InvalidDatabaseUrl};
