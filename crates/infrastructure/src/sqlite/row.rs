//! Conversion between rows of `todos` and todos.

#![expect(clippy::ref_option_ref, reason = "in the derived code for rows by reference")]

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use todo_domain::search::fold;
use todo_domain::text::InvalidText;
use todo_domain::{Description, NewTodo, Title, Todo, TodoId, UserId};

use super::schema::todos;
use super::values::{BlobUuid, Micros};

/// A row as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = todos, check_for_backend(diesel::sqlite::Sqlite))]
pub(super) struct TodoRow {
    user_id: BlobUuid,
    id: BlobUuid,
    title: String,
    description: Option<String>,
    is_completed: bool,
    created_at: Micros,
    updated_at: Micros,
    version: i64,
}

/// A row to insert.
#[derive(Insertable)]
// None is written as null, not as the default: so the statement has one text, and is prepared once.
#[diesel(table_name = todos, treat_none_as_default_value = false, check_for_backend(diesel::sqlite::Sqlite))]
pub(super) struct NewTodoRow<'a> {
    user_id: BlobUuid,
    id: BlobUuid,
    title: &'a str,
    description: Option<&'a str>,
    is_completed: bool,
    created_at: Micros,
    updated_at: Micros,
    version: i64,
    title_folded: String,
    description_folded: Option<String>,
}

impl TryFrom<TodoRow> for Todo {
    type Error = InvalidText;

    fn try_from(row: TodoRow) -> Result<Self, InvalidText> {
        Ok(Self {
            id: TodoId(row.id.0),
            user_id: UserId(row.user_id.0),
            title: Title::new(row.title)?,
            description: row.description.map(Description::new).transpose()?,
            is_completed: row.is_completed,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: row.version,
        })
    }
}

impl<'a> NewTodoRow<'a> {
    pub(super) fn new(user: UserId, todo: &'a NewTodo, now: DateTime<Utc>) -> Self {
        let description = todo.description.as_ref().map(Description::as_str);
        Self {
            user_id: BlobUuid(user.0),
            id: BlobUuid(todo.id.0),
            title: todo.title.as_str(),
            description,
            is_completed: todo.is_completed,
            created_at: Micros(now),
            updated_at: Micros(now),
            version: 1,
            title_folded: fold(todo.title.as_str()).into_owned(),
            description_folded: description.map(|text| fold(text).into_owned()),
        }
    }
}
