//! The migration that recomputes the folded columns.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid};
use todo_domain::search::fold;
use uuid::Uuid;

/// Rows that have a character outside ASCII. The folding of the others has not changed.
const ROWS: &str = "
    SET LOCAL statement_timeout = 0;
    DECLARE refolding NO SCROLL CURSOR FOR
    SELECT user_id, id, title, description, title_folded, description_folded FROM todos
    WHERE octet_length(title) <> char_length(title) OR octet_length(description) <> char_length(description)";

/// 200 rows take a few megabytes of memory at most.
const NEXT_ROWS: &str = "FETCH 200 FROM refolding";

/// Leaves a row unchanged if another instance has updated its texts, which also updates the folded columns.
const UPDATE: &str = "
    UPDATE todos SET title_folded = $5, description_folded = $6
    WHERE user_id = $1 AND id = $2 AND title = $3 AND description IS NOT DISTINCT FROM $4";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Nullable<Text>)]
    description: Option<String>,
    #[diesel(sql_type = Text)]
    title_folded: String,
    #[diesel(sql_type = Nullable<Text>)]
    description_folded: Option<String>,
}

/// Reads the table once, through a cursor, and updates only the rows whose folded texts differ.
pub(super) fn refold_all(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(ROWS)?;
    loop {
        let rows: Vec<Row> = diesel::sql_query(NEXT_ROWS).load(connection)?;
        if rows.is_empty() {
            return connection.batch_execute("CLOSE refolding");
        }
        for row in &rows {
            let title = fold(&row.title);
            let description = row.description.as_deref().map(fold);
            if title == row.title_folded
                && description.as_deref() == row.description_folded.as_deref()
            {
                continue;
            }
            diesel::sql_query(UPDATE)
                .bind::<SqlUuid, _>(row.user_id)
                .bind::<SqlUuid, _>(row.id)
                .bind::<Text, _>(&row.title)
                .bind::<Nullable<Text>, _>(&row.description)
                .bind::<Text, _>(title)
                .bind::<Nullable<Text>, _>(description)
                .execute(connection)?;
        }
    }
}
