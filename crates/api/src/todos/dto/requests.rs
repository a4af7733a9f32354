//! The bodies of requests. They have the same fields, and differ in those that are required.

use serde::Deserialize;
use serde_json::{Value, json};
use todo_domain::{Description, Due, Priority, Tags, TagsPatch, Title, TodoPatch};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use validator::{Validate, ValidationErrors};

use super::schemas::{MomentText, PriorityName, TagText};
use crate::error::ApiError;
use crate::http::body::Body;
use crate::http::field::{Field, not_null, nullable};

/// Changes to a todo. Omitted fields keep their values.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[schema(example = json!({"is_completed": true}))]
pub struct TodoUpdate {
    /// The title: 1 to 255 characters (Unicode code points), not only white space, without U+0000.
    #[serde(default)]
    #[validate(custom(function = "not_null"))]
    #[schema(
        value_type = String, required = false, min_length = 1, max_length = 255,
        pattern = r"^[^\x00]*[^\s\x00][^\x00]*$"
    )]
    title: Field<Title>,
    /// The description: 0 to 2,000 characters, without U+0000, or null if there is none.
    #[serde(default)]
    #[validate(custom(function = "nullable"))]
    #[schema(value_type = Option<String>, max_length = 2000, pattern = r"^[^\x00]*$")]
    description: Field<Description>,
    /// Whether the todo is completed; in a new todo, false by default.
    #[serde(default)]
    #[validate(custom(function = "not_null"))]
    #[schema(value_type = bool, required = false)]
    is_completed: Field<bool>,
    /// The priority; in a new todo, `medium` by default.
    #[serde(default)]
    #[validate(custom(function = "not_null"))]
    #[schema(value_type = PriorityName, required = false)]
    priority: Field<Priority>,
    /// When the todo is due, or null if it is not: a date, as `2026-03-01`, or an instant with its offset, as
    /// `2026-03-01T09:00:00+01:00`, without fractions of a microsecond. In the years 0001 to 9999, in UTC.
    #[serde(default)]
    #[validate(custom(function = "nullable"))]
    #[schema(value_type = Option<MomentText>)]
    due: Field<Due>,
    /// The tags: at most 20, each of 1 to 50 characters without a comma and U+0000. White space around a tag is removed.
    /// Tags that differ only in case are the same; the first one is kept. An error in one of them is reported with its
    /// index, as that of `tags[0]`.
    #[serde(default)]
    #[validate(custom(function = "not_null"))]
    #[schema(value_type = Vec<TagText>, required = false, max_items = 20)]
    tags: Field<Tags>,
}

impl Body for TodoUpdate {
    const FIELDS: &'static [&'static str] =
        &["description", "due", "is_completed", "priority", "tags", "title"];
    const REQUIRED: &'static [(&'static str, &'static str)] = &[];
}

impl From<TodoUpdate> for TodoPatch {
    fn from(body: TodoUpdate) -> Self {
        Self {
            title: body.title.value(),
            description: body.description.change(),
            is_completed: body.is_completed.value(),
            priority: body.priority.value(),
            due: body.due.change(),
            tags: body.tags.value().map(TagsPatch::Set),
        }
    }
}

/// Declares a body with the fields of [`TodoUpdate`], some of which are required, the title among them.
macro_rules! complete_body {
    ($name:ident, $description:literal, $required:expr, $example:expr) => {
        #[doc = $description]
        #[derive(Debug, Deserialize)]
        #[serde(transparent)]
        pub struct $name(TodoUpdate);

        impl Body for $name {
            const FIELDS: &'static [&'static str] = TodoUpdate::FIELDS;
            const REQUIRED: &'static [(&'static str, &'static str)] = $required;
        }

        impl Validate for $name {
            fn validate(&self) -> Result<(), ValidationErrors> {
                self.0.validate()
            }
        }

        impl ToSchema for $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                complete_schema($description, Self::REQUIRED, $example)
            }
        }

        impl $name {
            /// The title, and a patch of the other fields.
            ///
            /// # Errors
            /// Only if the body was not validated.
            pub fn into_parts(self) -> Result<(Title, TodoPatch), ApiError> {
                let mut others = TodoPatch::from(self.0);
                let title = others.title.take();
                let title =
                    title.ok_or_else(|| ApiError::Internal("the body was not validated".into()))?;
                Ok((title, others))
            }
        }
    };
}

complete_body!(
    TodoCreate,
    "A new todo.",
    &[("title", "is required")],
    json!({
        "title": "Buy groceries", "description": "Milk, eggs, bread", "priority": "high", "due": "2026-01-23",
        "tags": ["errands"],
    })
);

complete_body!(
    TodoPut,
    "A complete todo. The title, the description and the state are required, so that none is cleared by accident. The \
     other fields keep their values if they are omitted.",
    &[
        ("title", "is required"),
        ("description", "is required; send null for none"),
        ("is_completed", "is required"),
    ],
    json!({"title": "Buy groceries", "description": null, "is_completed": false})
);

fn complete_schema(description: &str, required: &[(&str, &str)], example: Value) -> RefOr<Schema> {
    let mut schema = TodoUpdate::schema();
    if let RefOr::T(Schema::Object(body)) = &mut schema {
        body.description = Some(description.to_owned());
        body.required = required.iter().map(|(name, _)| (*name).to_owned()).collect();
        body.example = Some(example);
    }
    schema
}
