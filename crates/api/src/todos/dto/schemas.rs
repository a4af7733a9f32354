//! The schemas of types that several bodies and parameters have. Bodies refer to them by name.

use std::borrow::Cow;

use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A tag in a request. Its length is limited without the white space around it, so not by `maxLength`.
const TAG_PATTERN: &str = r"^\s*[^\s,\x00]([^,\x00]{0,48}[^\s,\x00])?\s*$";

/// How important a todo is.
#[derive(ToSchema)]
#[schema(as = Priority, rename_all = "lowercase")]
pub enum PriorityName {
    /// Less important than others.
    Low,
    /// The default.
    Medium,
    /// More important than others.
    High,
}

/// A date or an instant.
#[derive(Debug)]
pub struct MomentText;

impl ToSchema for MomentText {
    fn name() -> Cow<'static, str> {
        "Moment".into()
    }
}

impl PartialSchema for MomentText {
    fn schema() -> RefOr<Schema> {
        let text = |format| {
            let format = SchemaFormat::KnownFormat(format);
            ObjectBuilder::new().schema_type(Type::String).format(Some(format))
        };
        AnyOfBuilder::new()
            .item(text(KnownFormat::Date))
            .item(text(KnownFormat::DateTime))
            .description(Some("A date, which belongs to no time zone, or an instant."))
            .into()
    }
}

/// A tag.
#[derive(Debug)]
pub struct TagText;

impl ToSchema for TagText {
    fn name() -> Cow<'static, str> {
        "Tag".into()
    }
}

impl PartialSchema for TagText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(TAG_PATTERN))
            .description(Some(
                "A tag: 1 to 50 characters without the white space around them, no comma, no U+0000.",
            ))
            .into()
    }
}
