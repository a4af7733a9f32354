//! The migration that recomputes the folded columns.

use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::{Nullable, Text};
use todo_domain::search::fold;

#[diesel::declare_sql_function]
extern "SQL" {
    /// [`fold`] as an SQL function; null for null.
    fn fold_text(text: Nullable<Text>) -> Nullable<Text>;
}

const UPDATE: &str = "
    UPDATE todos SET title_folded = fold_text(title), description_folded = fold_text(description)
    WHERE title_folded <> fold_text(title) OR description_folded <> fold_text(description)";

/// Reads the table once, and updates only the rows whose folded texts differ.
pub(super) fn refold_all(connection: &mut SqliteConnection) -> QueryResult<()> {
    fold_text_utils::register_impl(connection, |text: Option<String>| {
        text.map(|text| fold(&text).into_owned())
    })?;
    diesel::sql_query(UPDATE).execute(connection).map(drop)
}
