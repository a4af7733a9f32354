//! The migrations, which are a part of the binary, and what can be done with them.

mod embedded;
mod patience;

use diesel::backend::Backend;
use diesel::migration::{Migration as DieselMigration, MigrationConnection};
use diesel_migrations::MigrationHarness;

pub(crate) use embedded::Code;
pub use embedded::{Migration, Migrations};
pub(crate) use patience::Patience;

use crate::options::OpenError;

/// The migration that folds the texts of old todos anew.
///
/// At first, composed and decomposed letters were not folded alike. The folded columns are written by this program,
/// so older rows are brought up to date by this program, too: no database folds as it does. Running it again does no
/// harm. Reverting it changes nothing: the earlier program finds what it would, but for decomposed letters.
pub(crate) const FOLD_TEXTS_ANEW: &str = "2026-03-01-000000_fold_texts_anew";

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

/// A migration that is to be carried out, or taken back.
pub(crate) struct Step<'a> {
    pub(crate) migration: &'a Migration,
    pub(crate) is_up: bool,
}

/// What a command has to do in a database that has migrations of these versions, in its order.
///
/// # Errors
/// When a migration would have to be taken back that this program does not know.
pub(crate) fn steps<'a>(
    known: &'a Migrations,
    applied: &[String],
    command: MigrationCommand,
) -> Result<Vec<Step<'a>>, OpenError> {
    let is_applied = |migration: &&Migration| applied.contains(&migration.version());
    match command {
        MigrationCommand::Status => Ok(Vec::new()),
        MigrationCommand::Up => {
            let pending = known.iter().filter(|migration| !is_applied(migration));
            Ok(pending.map(|migration| Step { migration, is_up: true }).collect())
        }
        MigrationCommand::Down(count) => {
            let count = count.min(known.iter().filter(is_applied).count());
            let mut latest_first = applied.to_vec();
            latest_first.sort_unstable_by(|one, other| other.cmp(one));
            let to_revert = latest_first.iter().take(count).map(|version| {
                let migration = known.iter().find(|migration| migration.version() == *version);
                migration.map(|migration| Step { migration, is_up: false }).ok_or_else(|| {
                    let unknown = format!("this program does not know the migration {version}");
                    OpenError::Migration(unknown.into())
                })
            });
            to_revert.collect()
        }
    }
}

/// Carries a step out, and takes it down in Diesel's table. `migration` is the step's, or runs it in another way.
///
/// # Errors
/// When it fails.
pub(crate) fn carry_out<DB: Backend>(
    connection: &mut (impl MigrationHarness<DB> + MigrationConnection),
    is_up: bool,
    migration: &dyn DieselMigration<DB>,
) -> Result<(), OpenError> {
    let result = if is_up {
        connection.setup()?;
        connection.run_migration(migration)
    } else {
        connection.revert_migration(migration)
    };
    let failed = |error| OpenError::Migration(format!("{}: {error}", migration.name()).into());
    result.map(drop).map_err(failed)
}

/// All migrations that are known, oldest first, and whether a database has them that has those of these versions.
pub(crate) fn status(known: &Migrations, applied: &[String]) -> Vec<MigrationStatus> {
    known
        .iter()
        .map(|migration| MigrationStatus {
            name: migration.name.clone(),
            is_applied: applied.contains(&migration.version()),
        })
        .collect()
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
