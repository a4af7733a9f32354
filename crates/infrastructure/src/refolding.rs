//! The migration that folds the texts of old todos anew.
//!
//! At first, composed and decomposed letters were not folded alike. The folded columns are written by this program,
//! so the rows of then are brought up to date by this program too: no database folds as it does. Running it again does
//! no harm. Reverting it changes nothing: the program of then finds what it would, but for decomposed letters.

use crate::migrations::{Code, Migration};
use crate::{postgres, sqlite};

const NAME: &str = "2026-03-01-000000_fold_texts_anew";

/// The migration, in either database.
pub(crate) fn migration() -> Migration {
    Migration::code(NAME, Code { postgres: postgres::fold_all, sqlite: sqlite::fold_all })
}
