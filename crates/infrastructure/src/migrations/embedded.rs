//! Migrations from `migrations/<database>/`, embedded in the binary.

use std::fmt;

use diesel::connection::BoxableConnection;
use diesel::migration::{self, MigrationMetadata, MigrationName, MigrationVersion};
use diesel::pg::{Pg, PgConnection};
use diesel::result::QueryResult;
use diesel::sqlite::{Sqlite, SqliteConnection};
use include_dir::Dir;

/// The migrations of one database, oldest first.
#[derive(Debug, Clone)]
pub struct Migrations(Vec<Migration>);

/// A change of the schema, and how to revert it.
#[derive(Debug, Clone)]
pub struct Migration {
    /// `<timestamp>_<description>`: the folder below `migrations/<database>/`. Migrations run in the order of their
    /// timestamps.
    pub(crate) name: String,
    /// The SQL that applies it.
    pub(crate) up: String,
    /// The SQL that reverts it.
    pub(crate) down: String,
    /// Whether it runs in a transaction.
    pub(crate) in_transaction: bool,
    /// The implementation of a migration that is not SQL.
    pub(crate) rust: Option<RustMigration>,
}

/// A migration written in Rust. It runs in a transaction, is idempotent, and reverting it does nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RustMigration {
    Postgres(fn(&mut PgConnection) -> QueryResult<()>),
    Sqlite(fn(&mut SqliteConnection) -> QueryResult<()>),
}

impl Migrations {
    /// Sorts the migrations by name.
    #[must_use]
    pub fn new(mut migrations: Vec<Migration>) -> Self {
        migrations.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Self(migrations)
    }

    /// The SQL migrations, each in a folder of `directory`, and those written in Rust.
    pub(crate) fn embedded(directory: &Dir<'_>, rust: Vec<Migration>) -> Self {
        let migrations = directory.dirs().map(|folder| {
            let text = |name: &str| {
                let file = folder.get_file(folder.path().join(name));
                file.and_then(|file| file.contents_utf8()).unwrap_or_default().to_owned()
            };
            let in_transaction = runs_in_transaction(&text("metadata.toml"));
            let name = folder.path().to_string_lossy();
            Migration::sql(&name, &text("up.sql"), &text("down.sql"), in_transaction)
        });
        Self::new(migrations.chain(rust).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Migration> {
        self.0.iter()
    }
}

/// Reads `run_in_transaction` from `metadata.toml`, with the same default as Diesel's command line.
fn runs_in_transaction(metadata: &str) -> bool {
    let metadata: Option<toml::Table> = metadata.parse().ok();
    let value = metadata.and_then(|table| table.get("run_in_transaction")?.as_bool());
    value.unwrap_or(true)
}

impl Migration {
    /// A migration in SQL. It must not run in a transaction if it has a statement that Postgres refuses there, such as
    /// `CREATE INDEX CONCURRENTLY`.
    #[must_use]
    pub fn sql(name: &str, up: &str, down: &str, in_transaction: bool) -> Self {
        let (name, up, down) = (name.to_owned(), up.to_owned(), down.to_owned());
        Self { name, up, down, in_transaction, rust: None }
    }

    pub(crate) fn rust(name: &str, rust: RustMigration) -> Self {
        Self { rust: Some(rust), ..Self::sql(name, "", "", true) }
    }

    /// The version in Diesel's table: the timestamp without dashes.
    pub(crate) fn version(&self) -> String {
        self.name.split('_').next().unwrap_or_default().replace('-', "")
    }
}

impl fmt::Display for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl MigrationName for Migration {
    fn version(&self) -> MigrationVersion<'_> {
        MigrationVersion::from(self.version())
    }
}

impl MigrationMetadata for Migration {
    fn run_in_transaction(&self) -> bool {
        self.in_transaction
    }
}

/// Implements Diesel's trait for one type of connections.
macro_rules! migration_on {
    ($database:ident, $backend:ty, $connection:ty) => {
        impl migration::Migration<$backend> for Migration {
            fn run(
                &self,
                connection: &mut dyn BoxableConnection<$backend>,
            ) -> migration::Result<()> {
                let Some(rust) = self.rust else { return Ok(connection.batch_execute(&self.up)?) };
                let connection = connection.downcast_mut::<$connection>();
                let (RustMigration::$database(run), Some(connection)) = (rust, connection) else {
                    return Err("the migration is for another database".into());
                };
                Ok(run(connection)?)
            }

            fn revert(
                &self,
                connection: &mut dyn BoxableConnection<$backend>,
            ) -> migration::Result<()> {
                if self.rust.is_some() {
                    return Ok(());
                }
                Ok(connection.batch_execute(&self.down)?)
            }

            fn metadata(&self) -> &dyn MigrationMetadata {
                self
            }

            fn name(&self) -> &dyn MigrationName {
                self
            }
        }
    };
}

migration_on!(Postgres, Pg, PgConnection);
migration_on!(Sqlite, Sqlite, SqliteConnection);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_says_whether_a_migration_runs_in_a_transaction() {
        assert!(runs_in_transaction(""));
        assert!(runs_in_transaction("run_in_transaction = true"));
        assert!(!runs_in_transaction("# CONCURRENTLY\nrun_in_transaction = false\n"));
    }
}
