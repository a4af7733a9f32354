//! Additions to the schemas that cannot be derived from the types.

use utoipa::openapi::schema::{
    AdditionalProperties, ObjectBuilder, OneOfBuilder, SchemaType, Type,
};
use utoipa::openapi::{OpenApi, Ref, RefOr, Schema};
use utoipa::{Modify, ToSchema};

use super::examples;
use crate::http::body::READ_ONLY_FIELDS;
use crate::tags::TagRename;
use crate::todos::dto::{TodoCreate, TodoPut, TodoRead, TodoUpdate, TodosUpdate};

/// The name of the schema of a 412: an error that always has `current`.
pub(super) const PRECONDITION_FAILED: &str = "PreconditionFailedResponse";

/// Adds `additionalProperties` and the read-only fields to request bodies, the example of a todo, and the schema of a
/// 412.
pub(super) struct Schemas;

impl Modify for Schemas {
    fn modify(&self, document: &mut OpenApi) {
        let Some(components) = &mut document.components else { return };
        let schemas = &mut components.schemas;
        let bodies = [
            TodoCreate::name(),
            TodoUpdate::name(),
            TodoPut::name(),
            TodosUpdate::name(),
            TagRename::name(),
        ];
        for name in bodies {
            if let Some(RefOr::T(Schema::Object(body))) = schemas.get_mut(name.as_ref()) {
                body.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
                for field in READ_ONLY_FIELDS {
                    let ignored = ObjectBuilder::new()
                        .schema_type(SchemaType::AnyValue)
                        .read_only(true)
                        .description(Some("Read-only: ignored in requests."));
                    body.properties.insert(field.to_owned(), ignored.into());
                }
            }
        }
        if let Some(RefOr::T(Schema::Object(body))) = schemas.get_mut(TodosUpdate::name().as_ref())
        {
            body.min_properties = Some(1);
        }
        if let Some(RefOr::T(Schema::Object(todo))) = schemas.get_mut(TodoRead::name().as_ref()) {
            todo.example = examples::json(&TodoRead::from(&examples::todo(1, false)));
        }
        if let Some(RefOr::T(Schema::Object(error))) = schemas.get("ErrorResponse") {
            let mut error = error.clone();
            let current = OneOfBuilder::new()
                .item(Ref::from_schema_name("TodoRead"))
                .item(ObjectBuilder::new().schema_type(Type::Null))
                .description(Some("The current todo, or null if it does not exist."));
            error.description =
                Some("The error of a request whose condition does not hold (412).".to_owned());
            error.properties.insert("current".to_owned(), current.into());
            error.required.push("current".to_owned());
            schemas.insert(PRECONDITION_FAILED.to_owned(), Schema::Object(error).into());
        }
    }
}
