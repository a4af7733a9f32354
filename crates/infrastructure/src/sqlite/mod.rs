//! The SQLite adapter. Ids are BLOBs, times are integers, and a single thread writes.

mod backup;
mod connection;
mod deadline;
mod file;
mod readers;
mod refold;
mod repository;
mod restore;
mod row;
mod schema;
mod statements;
mod uri;
mod values;
mod watcher;
mod writer;

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use crate::migrations::{Migration, Migrations, REFOLD_TEXTS, RustMigration};

pub(crate) use backup::back_up;
pub(crate) use connection::{Location, migrate};
pub(crate) use file::FileProblem;
pub(crate) use repository::SqliteTodoRepository;
pub(crate) use restore::restore;

/// The migrations in `migrations/sqlite`, and one in Rust.
pub(crate) static MIGRATIONS: LazyLock<Migrations> = LazyLock::new(|| {
    static DIRECTORY: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations/sqlite");
    let rust = vec![Migration::rust(REFOLD_TEXTS, RustMigration::Sqlite(refold::refold_all))];
    Migrations::embedded(&DIRECTORY, rust)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_can_be_reverted_and_runs_in_a_transaction() {
        for migration in MIGRATIONS.iter() {
            let has_sql = !migration.up.is_empty() && !migration.down.is_empty();
            assert!(has_sql != migration.rust.is_some(), "{migration}");
            // Otherwise another process could write between its statements.
            assert!(migration.in_transaction);
        }
        assert!(MIGRATIONS.iter().count() > 0);
    }
}
