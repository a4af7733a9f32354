//! The migrations, which are a part of the binary, and what can be done with them.

use diesel::backend::Backend;
use diesel::connection::Connection;
use diesel::migration::{Migration, MigrationSource, Result as MigrationResult};
use diesel::pg::Pg;
use diesel::result::QueryResult;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::database::OpenError;
use crate::refolding::Refolding;
use crate::{postgres, sqlite};

pub(crate) const POSTGRES: Migrations<Pg> = Migrations {
    sql: embed_migrations!("../../migrations/postgres"),
    code: || Refolding::boxed(postgres::fold_all),
};
pub(crate) const SQLITE: Migrations<Sqlite> = Migrations {
    sql: embed_migrations!("../../migrations/sqlite"),
    code: || Refolding::boxed(sqlite::fold_all),
};

/// All migrations of a database: those in SQL, and the one that only this program can do.
pub(crate) struct Migrations<DB: Backend> {
    sql: EmbeddedMigrations,
    code: fn() -> Box<dyn Migration<DB>>,
}

impl<DB: Backend> MigrationSource<DB> for Migrations<DB> {
    fn migrations(&self) -> MigrationResult<Vec<Box<dyn Migration<DB>>>> {
        let mut all = self.sql.migrations()?;
        all.push((self.code)());
        Ok(all)
    }
}

/// What to do with the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationCommand {
    /// Apply all that are pending.
    Up,
    /// Revert the latest, so many, or as many as there are.
    Down(usize),
    /// Nothing, only tell.
    Status,
}

/// A migration, and whether it has been applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its name: the folder below `migrations/<database>/`.
    pub name: String,
    /// Whether the database has it.
    pub is_applied: bool,
}

/// Carries a command out; tells of all migrations that the binary knows, oldest first, how they stand then.
/// The caller holds the lock that keeps other copies from doing the same, in a transaction.
///
/// `applied` names the versions that the database has. Diesel's own way to find out makes its table first, for
/// which a role that only serves need not have the rights.
pub(crate) fn carry_out<C, DB>(
    connection: &mut C,
    all: impl Fn() -> Migrations<DB>,
    applied: impl Fn(&mut C) -> QueryResult<Vec<String>>,
    command: MigrationCommand,
) -> Result<Vec<MigrationStatus>, OpenError>
where
    C: Connection<Backend = DB> + MigrationHarness<DB>,
    DB: Backend,
{
    let before = status::<DB>(&all(), &applied(connection)?)?;
    match command {
        MigrationCommand::Up if before.iter().any(|it| !it.is_applied) => {
            connection.run_pending_migrations(all()).map_err(OpenError::Migration)?;
        }
        MigrationCommand::Down(count) => {
            for _ in before.iter().filter(|it| it.is_applied).take(count) {
                connection.revert_last_migration(all()).map_err(OpenError::Migration)?;
            }
        }
        MigrationCommand::Up | MigrationCommand::Status => return Ok(before),
    }
    status::<DB>(&all(), &applied(connection)?)
}

fn status<DB: Backend>(
    all: &impl MigrationSource<DB>,
    applied: &[String],
) -> Result<Vec<MigrationStatus>, OpenError> {
    let mut known = all.migrations().map_err(OpenError::Migration)?;
    known.sort_by_key(|migration| migration.name().version().as_owned());
    Ok(known
        .iter()
        .map(|migration| MigrationStatus {
            name: migration.name().to_string(),
            is_applied: applied.contains(&migration.name().version().to_string()),
        })
        .collect())
}

/// Reads the versions of the migrations that a database has: none where Diesel's table is not there. The query
/// tells whether it is, in a column `it`.
macro_rules! applied {
    ($connection:expr, $is_there:literal) => {{
        #[derive(diesel::QueryableByName)]
        struct IsThere {
            #[diesel(sql_type = diesel::sql_types::Bool)]
            it: bool,
        }
        #[derive(diesel::QueryableByName)]
        struct Applied {
            #[diesel(sql_type = diesel::sql_types::Text)]
            version: String,
        }
        let IsThere { it } = diesel::sql_query($is_there).get_result($connection)?;
        if it {
            let applied: Vec<Applied> =
                diesel::sql_query("SELECT version FROM __diesel_schema_migrations")
                    .load($connection)?;
            Ok(applied.into_iter().map(|it| it.version).collect())
        } else {
            Ok(Vec::new())
        }
    }};
}
pub(crate) use applied;

/// # Errors
/// [`OpenError::PendingMigrations`] unless all are applied.
pub(crate) fn require_all_applied(status: &[MigrationStatus]) -> Result<(), OpenError> {
    let pending: Vec<_> =
        status.iter().filter(|it| !it.is_applied).map(|it| it.name.clone()).collect();
    if pending.is_empty() { Ok(()) } else { Err(OpenError::PendingMigrations(pending)) }
}
