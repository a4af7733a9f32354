//! The embedded migrations, and the commands that apply and revert them.

mod embedded;
mod wait_limit;

use diesel::backend::Backend;
use diesel::migration::{Migration as DieselMigration, MigrationConnection};
use diesel_migrations::MigrationHarness;

pub(crate) use embedded::RustMigration;
pub use embedded::{Migration, Migrations};
pub(crate) use wait_limit::WaitLimit;

use crate::options::OpenError;

/// The name of the migration that recomputes the folded columns.
///
/// Earlier versions did not normalize composed and decomposed letters. The folding is implemented in Rust, not in SQL,
/// so the migration is, too. It is idempotent. Reverting it changes nothing: searches of the earlier version find the
/// same todos, except by decomposed letters.
pub(crate) const REFOLD_TEXTS: &str = "2026-03-01-000000_fold_texts_anew";

/// A command for migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationCommand {
    /// Apply all pending migrations.
    Up,
    /// Revert this many of the latest migrations, or all if there are fewer.
    Down(usize),
    /// Only report the status.
    Status,
}

/// A migration, and whether it has been applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its name: the folder below `migrations/<database>/`.
    pub name: String,
    /// Whether it has been applied.
    pub is_applied: bool,
}

/// A migration to apply or revert.
pub(crate) struct Step<'a> {
    pub(crate) migration: &'a Migration,
    /// Whether to apply it.
    pub(crate) is_up: bool,
}

/// The steps of a command, in order, for a database to which migrations of the versions in `applied` have been applied.
///
/// # Errors
/// If a migration to revert is not among the known ones.
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

/// Executes a step, and records it in Diesel's table. `migration` is that of the step, or a wrapper around it.
///
/// # Errors
/// If the migration fails.
pub(crate) fn execute_step<DB: Backend>(
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

/// The status of all known migrations, oldest first, if those of the versions in `applied` have been applied.
pub(crate) fn status(known: &Migrations, applied: &[String]) -> Vec<MigrationStatus> {
    known
        .iter()
        .map(|migration| MigrationStatus {
            name: migration.name.clone(),
            is_applied: applied.contains(&migration.version()),
        })
        .collect()
}

/// Reads the versions of the applied migrations from Diesel's table. `$table_exists` is a query that tells, in a column
/// `it`, whether that table exists.
macro_rules! applied {
    ($connection:expr, $table_exists:literal) => {{
        #[derive(diesel::QueryableByName)]
        struct TableExists {
            #[diesel(sql_type = diesel::sql_types::Bool)]
            it: bool,
        }
        #[derive(diesel::QueryableByName)]
        struct Applied {
            #[diesel(sql_type = diesel::sql_types::Text)]
            version: String,
        }
        let TableExists { it } = diesel::sql_query($table_exists).get_result($connection)?;
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

/// Checks that no migration is pending.
///
/// # Errors
/// [`OpenError::PendingMigrations`].
pub(crate) fn require_all_applied(status: &[MigrationStatus]) -> Result<(), OpenError> {
    let pending: Vec<_> =
        status.iter().filter(|it| !it.is_applied).map(|it| it.name.clone()).collect();
    if pending.is_empty() { Ok(()) } else { Err(OpenError::PendingMigrations(pending)) }
}
