//! Conversion between rows of `todos` and todos: all columns are named here.

use std::borrow::Cow;
use std::error::Error as StdError;

use chrono::{DateTime, Utc};
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use todo_domain::search::fold;
use todo_domain::{
    Description, Due, Priority, Tags, TagsPatch, Title, Todo, TodoId, TodoPatch, UserId,
};

use super::schema::todos;
use super::statements::greatest;
use super::values::{BlobUuid, Micros};
use crate::sql::SqlPatch;

/// A row. When it is inserted, [`Folded`] is added.
#[derive(Queryable, Selectable, Insertable)]
// None is written as null, not as the default: so the statement has one text, and is prepared once.
#[diesel(table_name = todos, treat_none_as_default_value = false, check_for_backend(diesel::sqlite::Sqlite))]
pub(super) struct TodoRow<'a> {
    user_id: BlobUuid,
    id: BlobUuid,
    title: Cow<'a, str>,
    description: Option<Cow<'a, str>>,
    is_completed: bool,
    completed_at: Option<Micros>,
    priority: i64,
    due_at: Option<Micros>,
    due_is_date: bool,
    tags: Cow<'a, str>,
    created_at: Micros,
    updated_at: Micros,
    version: i64,
}

/// The columns that are searched, but not read.
#[derive(Insertable)]
#[diesel(table_name = todos, treat_none_as_default_value = false)]
#[expect(clippy::struct_field_names, reason = "the names of the columns")]
pub(super) struct Folded<'a> {
    title_folded: Cow<'a, str>,
    description_folded: Option<Cow<'a, str>>,
    tags_folded: String,
}

impl TryFrom<TodoRow<'_>> for Todo {
    type Error = Box<dyn StdError + Send + Sync>;

    fn try_from(row: TodoRow<'_>) -> Result<Self, Self::Error> {
        Ok(Self {
            id: TodoId(row.id.0),
            user_id: UserId(row.user_id.0),
            title: Title::new(row.title)?,
            description: row.description.map(Description::new).transpose()?,
            is_completed: row.is_completed,
            // An earlier release does not write it.
            completed_at: row.is_completed.then(|| row.completed_at.unwrap_or(row.updated_at).0),
            priority: Priority::from_rank(row.priority).ok_or("an unknown priority")?,
            due: row.due_at.map(|at| at.0).map(|at| Due::from_parts(at, row.due_is_date)),
            tags: Tags::from_joined(row.tags)?,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            version: row.version,
        })
    }
}

impl<'a> From<&'a Todo> for TodoRow<'a> {
    fn from(todo: &'a Todo) -> Self {
        Self {
            user_id: BlobUuid(todo.user_id.0),
            id: BlobUuid(todo.id.0),
            title: todo.title.as_str().into(),
            description: text(todo.description.as_ref()).map(Cow::from),
            is_completed: todo.is_completed,
            completed_at: todo.completed_at.map(Micros),
            priority: todo.priority.rank().into(),
            due_at: todo.due.map(|due| Micros(due.order())),
            due_is_date: todo.due.is_some_and(Due::is_date),
            tags: todo.tags.as_joined_str().into(),
            created_at: Micros(todo.created_at),
            updated_at: Micros(todo.updated_at),
            version: todo.version,
        }
    }
}

impl<'a> From<&'a Todo> for Folded<'a> {
    fn from(todo: &'a Todo) -> Self {
        Self {
            title_folded: fold(todo.title.as_str()),
            description_folded: text(todo.description.as_ref()).map(fold),
            tags_folded: todo.tags.folded(),
        }
    }
}

/// What a patch sets.
pub(super) fn sql_patch(
    patch: &TodoPatch,
    now: DateTime<Utc>,
) -> SqlPatch<'_, todos::table, Sqlite> {
    let mut columns = SqlPatch::new();
    if let Some(title) = &patch.title {
        let title = title.as_str();
        columns.set(todos::title.ne(title), todos::title.eq(title));
        columns.set_derived(todos::title_folded.eq(fold(title)));
    }
    if let Some(description) = &patch.description {
        let text = text(description.as_ref());
        columns.set(todos::description.is_not(text), todos::description.eq(text));
        columns.set_derived(todos::description_folded.eq(text.map(fold)));
    }
    if let Some(is_completed) = patch.is_completed {
        // An equality, so that it can use an index.
        let is_change = todos::is_completed.eq(!is_completed);
        columns.set(is_change, todos::is_completed.eq(is_completed));
        if is_completed {
            let at = greatest(todos::updated_at, Micros(now)).nullable();
            let completed_at = case_when(is_change, at).otherwise(todos::completed_at);
            columns.set_derived(todos::completed_at.eq(completed_at));
        } else {
            columns.set_derived(todos::completed_at.eq(None::<Micros>));
        }
    }
    if let Some(priority) = patch.priority {
        let rank = i64::from(priority.rank());
        columns.set(todos::priority.ne(rank), todos::priority.eq(rank));
    }
    if let Some(due) = patch.due {
        let (at, is_date) = (due.map(|due| Micros(due.order())), due.is_some_and(Due::is_date));
        let is_change = todos::due_at.is_not(at).or(todos::due_is_date.ne(is_date));
        columns.set(is_change, (todos::due_at.eq(at), todos::due_is_date.eq(is_date)));
    }
    // What other patches make of the tags depends on the todo: they are resolved before.
    if let Some(TagsPatch::Set(tags)) = &patch.tags {
        let joined = tags.as_joined_str();
        columns.set(todos::tags.ne(joined), todos::tags.eq(joined));
        columns.set_derived(todos::tags_folded.eq(tags.folded()));
    }
    columns
}

fn text(description: Option<&Description>) -> Option<&str> {
    description.map(Description::as_str)
}
