//! The bodies of requests. They have the same fields, and differ in those that are required.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};
use todo_domain::{Description, Title, TodoPatch};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use validator::{Validate, ValidationErrors};

use crate::error::ApiError;
use crate::http::body::Body;
use crate::http::field::{Field, FieldType, not_null, nullable};

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
}

impl Body for TodoUpdate {
    const FIELDS: &'static [&'static str] = &["description", "is_completed", "title"];
    const REQUIRED: &'static [(&'static str, &'static str)] = &[];
}

impl From<TodoUpdate> for TodoPatch {
    fn from(body: TodoUpdate) -> Self {
        Self {
            title: body.title.value(),
            description: body.description.change(),
            is_completed: body.is_completed.value(),
        }
    }
}

impl FieldType for Title {
    const NAME: &'static str = "a string";

    fn from_string(text: String) -> Result<Self, Cow<'static, str>> {
        Self::new(text).map_err(|error| error.to_string().into())
    }
}

impl FieldType for Description {
    const NAME: &'static str = "a string";

    fn from_string(text: String) -> Result<Self, Cow<'static, str>> {
        Self::new(text).map_err(|error| error.to_string().into())
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
    json!({"title": "Buy groceries", "description": "Milk, eggs, bread"})
);

complete_body!(
    TodoPut,
    "A complete todo. All fields are required, so that none is cleared by accident.",
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

/// The changes of a bulk update.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[schema(example = json!({"is_completed": true}))]
pub struct TodosUpdate {
    /// Whether the todos are completed.
    #[serde(default)]
    #[validate(custom(function = "not_null"))]
    #[schema(value_type = bool, required = true)]
    is_completed: Field<bool>,
}

impl Body for TodosUpdate {
    const FIELDS: &'static [&'static str] = &["is_completed"];
    const REQUIRED: &'static [(&'static str, &'static str)] = &[("is_completed", "is required")];
}

impl From<TodosUpdate> for TodoPatch {
    fn from(body: TodosUpdate) -> Self {
        Self { is_completed: body.is_completed.value(), ..Self::default() }
    }
}
