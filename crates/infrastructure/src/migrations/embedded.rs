//! Migrations from `migrations/<database>/`, embedded in the program.

use std::fmt;

use diesel::connection::BoxableConnection;
use diesel::migration::{self, MigrationMetadata, MigrationName, MigrationVersion};
use diesel::pg::{Pg, PgConnection};
use diesel::result::QueryResult;
use diesel::sqlite::{Sqlite, SqliteConnection};
use include_dir::Dir;

/// Migrations of one database, oldest first.
#[derive(Debug, Clone)]
pub struct Migrations(Vec<Migration>);

/// A change of the schema, and the way back.
#[derive(Debug, Clone)]
pub struct Migration {
    /// `<stamp>_<what it does>`: the folder below `migrations/<database>/`. The stamp is its place in the order.
    pub(crate) name: String,
    /// The statements that make the change.
    pub(crate) up: String,
    /// Those that take it back.
    pub(crate) down: String,
    /// Whether it happens as a whole or not at all.
    pub(crate) in_transaction: bool,
    /// Instead of statements.
    pub(crate) code: Option<Code>,
}

/// A change that only this program can make, in a transaction. It can be made twice, and need not be taken back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Code {
    Postgres(fn(&mut PgConnection) -> QueryResult<()>),
    Sqlite(fn(&mut SqliteConnection) -> QueryResult<()>),
}

impl Migrations {
    /// Migrations in any order.
    #[must_use]
    pub fn new(mut migrations: Vec<Migration>) -> Self {
        migrations.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Self(migrations)
    }

    /// A folder for each, and those that are code.
    pub(crate) fn embedded(directory: &Dir<'_>, code: Vec<Migration>) -> Self {
        let migrations = directory.dirs().map(|folder| {
            let text = |name: &str| {
                let file = folder.get_file(folder.path().join(name));
                file.and_then(|file| file.contents_utf8()).unwrap_or_default().to_owned()
            };
            let in_transaction = runs_in_transaction(&text("metadata.toml"));
            let name = folder.path().to_string_lossy();
            Migration::sql(&name, &text("up.sql"), &text("down.sql"), in_transaction)
        });
        Self::new(migrations.chain(code).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Migration> {
        self.0.iter()
    }
}

/// What `metadata.toml` says; the same, with the same default, as the command line of Diesel has it.
fn runs_in_transaction(metadata: &str) -> bool {
    let metadata: Option<toml::Table> = metadata.parse().ok();
    let value = metadata.and_then(|table| table.get("run_in_transaction")?.as_bool());
    value.unwrap_or(true)
}

impl Migration {
    /// Statements. They are no transaction where Postgres refuses one of them in a transaction, such as
    /// `CREATE INDEX CONCURRENTLY`.
    #[must_use]
    pub fn sql(name: &str, up: &str, down: &str, in_transaction: bool) -> Self {
        let (name, up, down) = (name.to_owned(), up.to_owned(), down.to_owned());
        Self { name, up, down, in_transaction, code: None }
    }

    pub(crate) fn code(name: &str, code: Code) -> Self {
        Self { code: Some(code), ..Self::sql(name, "", "", true) }
    }

    /// What Diesel's table knows it by: the stamp without its dashes.
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

/// Diesel's view of a migration, on connections of one type.
macro_rules! migration_on {
    ($database:ident, $backend:ty, $connection:ty) => {
        impl migration::Migration<$backend> for Migration {
            fn run(
                &self,
                connection: &mut dyn BoxableConnection<$backend>,
            ) -> migration::Result<()> {
                let Some(code) = self.code else { return Ok(connection.batch_execute(&self.up)?) };
                let connection = connection.downcast_mut::<$connection>();
                let (Code::$database(run), Some(connection)) = (code, connection) else {
                    return Err("it is of another database".into());
                };
                Ok(run(connection)?)
            }

            fn revert(
                &self,
                connection: &mut dyn BoxableConnection<$backend>,
            ) -> migration::Result<()> {
                if self.code.is_some() {
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
    fn a_file_says_whether_a_migration_is_a_transaction() {
        assert!(runs_in_transaction(""));
        assert!(runs_in_transaction("run_in_transaction = true"));
        assert!(!runs_in_transaction("# CONCURRENTLY\nrun_in_transaction = false\n"));
    }
}
