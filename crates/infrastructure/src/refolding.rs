//! The migration that folds the texts of old todos anew.
//!
//! At first, composed and decomposed letters were not folded alike. The folded columns are written by this program,
//! so the rows of then are brought up to date by this program too: no database folds as it does. Running it again does
//! no harm. Reverting it changes nothing: the program of then finds what it would, but for decomposed letters.

use diesel::connection::{BoxableConnection, Connection};
use diesel::migration::{
    Migration, MigrationMetadata, MigrationName, MigrationVersion, Result as MigrationResult,
};
use diesel::result::QueryResult;

const VERSION: &str = "20260301000000";
const NAME: &str = "2026-03-01-000000_fold_texts_anew";

/// The migration on a connection of type `C`.
pub(crate) struct Refolding<C>(fn(&mut C) -> QueryResult<()>);

impl<C: Connection + 'static> Refolding<C> {
    /// The migration that does this, in the transaction that is open.
    pub(crate) fn boxed(fold_all: fn(&mut C) -> QueryResult<()>) -> Box<dyn Migration<C::Backend>> {
        Box::new(Self(fold_all))
    }
}

impl<C: Connection + 'static> Migration<C::Backend> for Refolding<C> {
    fn run(&self, connection: &mut dyn BoxableConnection<C::Backend>) -> MigrationResult<()> {
        let connection = connection.downcast_mut::<C>().ok_or("a connection of another type")?;
        Ok((self.0)(connection)?)
    }

    fn revert(&self, _: &mut dyn BoxableConnection<C::Backend>) -> MigrationResult<()> {
        Ok(())
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        &Name
    }

    fn name(&self) -> &dyn MigrationName {
        &Name
    }
}

struct Name;

impl MigrationMetadata for Name {}

impl MigrationName for Name {
    fn version(&self) -> MigrationVersion<'_> {
        VERSION.into()
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(NAME)
    }
}
