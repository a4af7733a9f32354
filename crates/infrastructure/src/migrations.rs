//! The migrations, which are a part of the binary, and what can be done with them.

use diesel::backend::Backend;
use diesel::connection::Connection;
use diesel::migration::MigrationSource;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::database::OpenError;

pub(crate) const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
pub(crate) const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

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
pub(crate) fn carry_out<C, DB>(
    connection: &mut C,
    all: impl Fn() -> EmbeddedMigrations,
    command: MigrationCommand,
) -> Result<Vec<MigrationStatus>, OpenError>
where
    C: Connection<Backend = DB> + MigrationHarness<DB>,
    DB: Backend,
{
    match command {
        MigrationCommand::Up => {
            connection.run_pending_migrations(all()).map_err(OpenError::Migration)?;
        }
        MigrationCommand::Down(count) => {
            let applied = connection.applied_migrations().map_err(OpenError::Migration)?.len();
            for _ in 0..count.min(applied) {
                connection.revert_last_migration(all()).map_err(OpenError::Migration)?;
            }
        }
        MigrationCommand::Status => {}
    }
    let applied = connection.applied_migrations().map_err(OpenError::Migration)?;
    let mut known = MigrationSource::<DB>::migrations(&all()).map_err(OpenError::Migration)?;
    known.sort_by_key(|migration| migration.name().version().as_owned());
    Ok(known
        .iter()
        .map(|migration| MigrationStatus {
            name: migration.name().to_string(),
            is_applied: applied.contains(&migration.name().version()),
        })
        .collect())
}

/// # Errors
/// [`OpenError::PendingMigrations`] unless all are applied.
pub(crate) fn require_all_applied(status: &[MigrationStatus]) -> Result<(), OpenError> {
    let pending: Vec<_> =
        status.iter().filter(|it| !it.is_applied).map(|it| it.name.clone()).collect();
    if pending.is_empty() { Ok(()) } else { Err(OpenError::PendingMigrations(pending)) }
}
