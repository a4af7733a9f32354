//! What goes over the wire: bodies of requests and answers, and their conversion from and to the domain's types.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};
use todo_domain::text::InvalidText;
use todo_domain::{Description, NewTodo, Title, Todo, TodoCounts, TodoId, TodoPatch};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::error::ApiError;
use crate::http::body::Body;
use crate::http::field::{Field, invalid, nullable, optional, required};

/// A todo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0198f2c0-6d1e-7c3a-9f00-2b7d3c1a5e4f",
    "title": "Buy groceries",
    "description": null,
    "is_completed": false,
    "created_at": "2026-01-22T10:30:00.123456Z",
    "updated_at": "2026-01-22T10:30:00.123456Z",
    "version": 1,
    "user_id": "550e8400-e29b-41d4-a716-446655440000"
}))]
pub struct TodoRead {
    /// Its id: made by the server (version 7), or by the client that put it.
    pub id: Uuid,
    /// What is to be done.
    #[schema(min_length = 1, max_length = 255)]
    pub title: String,
    /// More about it: null when never given or cleared by null, which is not the same as "".
    #[schema(max_length = 2000)]
    #[schema(required = true)]
    pub description: Option<String>,
    /// Whether it is done.
    pub is_completed: bool,
    /// When it was created: UTC, in microseconds, always with `Z`.
    #[serde(serialize_with = "rfc3339_micros")]
    pub created_at: DateTime<Utc>,
    /// When it last changed; never runs backwards.
    #[serde(serialize_with = "rfc3339_micros")]
    pub updated_at: DateTime<Utc>,
    /// 1 at first, one more after each change that changed something; also the `ETag`.
    #[schema(value_type = usize, minimum = 1)]
    pub version: i64,
    /// Its owner: the caller.
    pub user_id: Uuid,
}

/// Some or all of the caller's todos.
#[derive(Debug, Serialize, ToSchema)]
pub struct TodoList {
    /// The todos, in the order asked for.
    pub items: Vec<TodoRead>,
    /// How many there are in this answer.
    #[schema(minimum = 0)]
    pub count: usize,
    /// What to send as `cursor` for the next page; null when this is the last, and without a `limit`.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// How many todos of the caller match the filters; without any, how many there are.
#[derive(Debug, Serialize, ToSchema)]
pub struct TodoStats {
    /// All of them.
    #[schema(value_type = usize, minimum = 0, example = 5)]
    pub total: u64,
    /// Those yet to be done.
    #[schema(value_type = usize, minimum = 0, example = 3)]
    pub active: u64,
    /// Those done.
    #[schema(value_type = usize, minimum = 0, example = 2)]
    pub completed: u64,
}

/// What a change of many todos did.
#[derive(Debug, Serialize, ToSchema)]
pub struct Affected {
    /// How many todos were changed or deleted.
    #[schema(value_type = usize, minimum = 0, example = 2)]
    pub affected: u64,
}

/// The fields of a todo that requests can set.
const TODO_FIELDS: &[&str] = &["description", "is_completed", "title"];

/// A new todo.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[schema(example = json!({"title": "Buy groceries", "description": "Milk, eggs, bread"}))]
pub struct TodoCreate {
    /// What is to be done: 1 to 255 characters (Unicode code points), not only white space, without U+0000.
    #[serde(default)]
    #[validate(custom(function = "required_title"))]
    #[schema(
        value_type = String, required = true, min_length = 1, max_length = 255,
        pattern = r"^[^\x00]*[^\s\x00][^\x00]*$"
    )]
    title: Field<String>,
    /// More about it: 0 to 2,000 characters, without U+0000; null or left out when there is no more.
    #[serde(default)]
    #[validate(custom(function = "optional_description"))]
    #[schema(value_type = Option<String>, max_length = 2000, pattern = r"^[^\x00]*$")]
    description: Field<String>,
    /// Whether it is done already; false when left out.
    #[serde(default)]
    #[validate(custom(function = "optional_flag"))]
    #[schema(value_type = bool, required = false)]
    is_completed: Field<bool>,
}

impl Body for TodoCreate {
    const FIELDS: &'static [&'static str] = TODO_FIELDS;
}

/// Changes to a todo: a field that is left out stays as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[schema(example = json!({"is_completed": true}))]
pub struct TodoUpdate {
    /// A new title: 1 to 255 characters (Unicode code points), not only white space, without U+0000.
    #[serde(default)]
    #[validate(custom(function = "optional_title"))]
    #[schema(
        value_type = String, required = false, min_length = 1, max_length = 255,
        pattern = r"^[^\x00]*[^\s\x00][^\x00]*$"
    )]
    title: Field<String>,
    /// A new description: 0 to 2,000 characters, without U+0000; null clears it.
    #[serde(default)]
    #[validate(custom(function = "optional_description"))]
    #[schema(value_type = Option<String>, max_length = 2000, pattern = r"^[^\x00]*$")]
    description: Field<String>,
    /// Whether it is done.
    #[serde(default)]
    #[validate(custom(function = "optional_flag"))]
    #[schema(value_type = bool, required = false)]
    is_completed: Field<bool>,
}

impl Body for TodoUpdate {
    const FIELDS: &'static [&'static str] = TODO_FIELDS;
}

/// A whole todo, to be put under an id of the client's. Nothing can be left out, so that nothing is wiped by
/// being forgotten.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[schema(example = json!({"title": "Buy groceries", "description": null, "is_completed": false}))]
pub struct TodoPut {
    /// What is to be done: 1 to 255 characters (Unicode code points), not only white space, without U+0000.
    #[serde(default)]
    #[validate(custom(function = "required_title"))]
    #[schema(
        value_type = String, required = true, min_length = 1, max_length = 255,
        pattern = r"^[^\x00]*[^\s\x00][^\x00]*$"
    )]
    title: Field<String>,
    /// More about it: 0 to 2,000 characters, without U+0000, or null.
    #[serde(default)]
    #[validate(custom(function = "required_description"))]
    #[schema(value_type = Option<String>, required = true, max_length = 2000, pattern = r"^[^\x00]*$")]
    description: Field<String>,
    /// Whether it is done.
    #[serde(default)]
    #[validate(custom(function = "required_flag"))]
    #[schema(value_type = bool, required = true)]
    is_completed: Field<bool>,
}

impl Body for TodoPut {
    const FIELDS: &'static [&'static str] = TODO_FIELDS;
}

/// What to set in many todos at once.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[schema(example = json!({"is_completed": true}))]
pub struct TodosUpdate {
    /// Whether they are done.
    #[serde(default)]
    #[validate(custom(function = "required_flag"))]
    #[schema(value_type = bool, required = true)]
    is_completed: Field<bool>,
}

impl Body for TodosUpdate {
    const FIELDS: &'static [&'static str] = &["is_completed"];
}

fn check(result: Result<(), InvalidText>) -> Result<(), ValidationError> {
    result.map_err(|error| invalid(error.to_string()))
}

fn required_title(title: &Field<String>) -> Result<(), ValidationError> {
    required(title, |text| check(Title::check(text)))
}

fn optional_title(title: &Field<String>) -> Result<(), ValidationError> {
    optional(title, |text| check(Title::check(text)))
}

fn optional_description(description: &Field<String>) -> Result<(), ValidationError> {
    nullable(description, |text| check(Description::check(text)))
}

fn required_description(description: &Field<String>) -> Result<(), ValidationError> {
    match description {
        Field::Absent => Err(invalid("is required; send null for none")),
        description => optional_description(description),
    }
}

fn optional_flag(flag: &Field<bool>) -> Result<(), ValidationError> {
    optional(flag, |_| Ok(()))
}

fn required_flag(flag: &Field<bool>) -> Result<(), ValidationError> {
    required(flag, |_| Ok(()))
}

fn rfc3339_micros<S: Serializer>(moment: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&moment.to_rfc3339_opts(SecondsFormat::Micros, true))
}

impl From<Todo> for TodoRead {
    fn from(todo: Todo) -> Self {
        Self {
            id: todo.id.0,
            title: todo.title.into_string(),
            description: todo.description.map(Description::into_string),
            is_completed: todo.is_completed,
            created_at: todo.created_at,
            updated_at: todo.updated_at,
            version: todo.version,
            user_id: todo.user_id.0,
        }
    }
}

impl From<TodoCounts> for TodoStats {
    fn from(TodoCounts { total, completed }: TodoCounts) -> Self {
        Self { total, active: total.saturating_sub(completed), completed }
    }
}

/// A field that validation let through breaks the domain's rule: a defect.
fn defect(error: InvalidText) -> ApiError {
    ApiError::Internal(Box::new(error))
}

fn title(field: Field<String>) -> Result<Option<Title>, ApiError> {
    field.value().map(Title::new).transpose().map_err(defect)
}

fn required_value<T>(value: Option<T>) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::Internal("a required field is missing after validation".into()))
}

impl TodoCreate {
    /// The title, the description and the completion state.
    ///
    /// # Errors
    /// Only when called on what was not validated.
    pub fn into_parts(self) -> Result<(Title, Option<Description>, bool), ApiError> {
        let title = required_value(title(self.title)?)?;
        let description = self.description.value().map(Description::new).transpose();
        Ok((title, description.map_err(defect)?, self.is_completed.value().unwrap_or_default()))
    }
}

impl TodoUpdate {
    /// The changes.
    ///
    /// # Errors
    /// Only when called on what was not validated.
    pub fn into_patch(self) -> Result<TodoPatch, ApiError> {
        let description = self.description.change();
        Ok(TodoPatch {
            title: title(self.title)?,
            description: description
                .map(|text| text.map(Description::new).transpose())
                .transpose()
                .map_err(defect)?,
            is_completed: self.is_completed.value(),
        })
    }
}

impl TodoPut {
    /// The todo of this id.
    ///
    /// # Errors
    /// Only when called on what was not validated.
    pub fn into_new_todo(self, id: TodoId) -> Result<NewTodo, ApiError> {
        Ok(NewTodo {
            id,
            title: required_value(title(self.title)?)?,
            description: self
                .description
                .value()
                .map(Description::new)
                .transpose()
                .map_err(defect)?,
            is_completed: required_value(self.is_completed.value())?,
        })
    }
}

impl TodosUpdate {
    /// The completion state to set.
    ///
    /// # Errors
    /// Only when called on what was not validated.
    pub fn into_is_completed(self) -> Result<bool, ApiError> {
        required_value(self.is_completed.value())
    }
}
