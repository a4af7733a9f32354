//! The Postgres adapter. It uses native types (`uuid`, `timestamptz`), and mostly one statement per call, which each
//! connection prepares once.

mod calls;
mod connection;
mod deadline;
mod migrate;
mod notifications;
mod pooler;
mod refold;
mod repository;
mod row;
mod schema;
mod session;
mod split;
mod statements;
mod tags;
mod ticked;

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use crate::migrations::{Migration, Migrations, REFOLD_TEXTS, RustMigration};

pub(crate) use migrate::migrate;
pub(crate) use notifications::Notifications;
pub(crate) use repository::PostgresTodoRepository;

/// The migrations in `migrations/postgres`, and one in Rust.
pub(crate) static MIGRATIONS: LazyLock<Migrations> = LazyLock::new(|| {
    static DIRECTORY: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations/postgres");
    let rust = vec![Migration::rust(REFOLD_TEXTS, RustMigration::Postgres(refold::refold_all))];
    Migrations::embedded(&DIRECTORY, rust)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_can_be_reverted() {
        for migration in MIGRATIONS.iter() {
            let has_sql = !migration.up.is_empty() && !migration.down.is_empty();
            assert!(has_sql != migration.rust.is_some(), "{migration}");
        }
        assert!(MIGRATIONS.iter().count() > 0);
    }
}
