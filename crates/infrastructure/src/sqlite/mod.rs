//! The SQLite wing: ids as BLOBs, times as integers, one writing thread.

mod connection;
mod deadline;
mod file;
mod refolding;
mod repository;
mod row;
mod schema;
mod statements;
mod values;
mod watcher;
mod writer;

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use crate::migrations::{Code, FOLD_TEXTS_ANEW, Migration, Migrations};

pub(crate) use connection::{Location, migrate};
pub(crate) use repository::SqliteTodoRepository;

/// The migrations, from `migrations/sqlite`.
pub(crate) static MIGRATIONS: LazyLock<Migrations> = LazyLock::new(|| {
    static DIRECTORY: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations/sqlite");
    let code = vec![Migration::code(FOLD_TEXTS_ANEW, Code::Sqlite(refolding::fold_all))];
    Migrations::embedded(&DIRECTORY, code)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_can_be_reverted_and_is_a_transaction() {
        for migration in MIGRATIONS.iter() {
            let has_text = !migration.up.is_empty() && !migration.down.is_empty();
            assert!(has_text != migration.code.is_some(), "{migration}");
            // It holds the one write lock, so that no other can come between.
            assert!(migration.in_transaction);
        }
        assert!(MIGRATIONS.iter().count() > 0);
    }
}
