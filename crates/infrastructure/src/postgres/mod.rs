//! The Postgres wing: `uuid` and `timestamptz`, at most one statement a call, prepared once per connection.

mod calls;
mod connection;
mod deadline;
mod migrate;
mod pooler;
mod refolding;
mod repository;
mod row;
mod schema;
mod session;
mod split;
mod statements;

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use crate::migrations::{Code, FOLD_TEXTS_ANEW, Migration, Migrations};

pub(crate) use migrate::migrate;
pub(crate) use repository::PostgresTodoRepository;

/// The migrations, from `migrations/postgres`.
pub(crate) static MIGRATIONS: LazyLock<Migrations> = LazyLock::new(|| {
    static DIRECTORY: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations/postgres");
    let code = vec![Migration::code(FOLD_TEXTS_ANEW, Code::Postgres(refolding::fold_all))];
    Migrations::embedded(&DIRECTORY, code)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_can_be_reverted() {
        for migration in MIGRATIONS.iter() {
            let has_text = !migration.up.is_empty() && !migration.down.is_empty();
            assert!(has_text != migration.code.is_some(), "{migration}");
        }
        assert!(MIGRATIONS.iter().count() > 0);
    }
}
