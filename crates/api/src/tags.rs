//! The routes below `/api/v1/tags`.

mod path;

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use todo_domain::{Tag, TagCount, TodoService};
use utoipa::ToSchema;
use validator::Validate;

use self::path::TagPath;
use crate::error::ApiError;
use crate::http::body::{Body, JsonBody};
use crate::http::caller::Caller;
use crate::http::envelope::catch_panics;
use crate::http::field::{Field, not_null};
use crate::http::query::NoQuery;
use crate::http::routing::{get_only, method_not_allowed};
use crate::todos::dto::Affected;
use crate::todos::dto::schemas::TagText;
use crate::todos::json;
use crate::todos::stream_limit::StreamLimit;

/// Mounts the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    get_only(config, "/api/v1/tags", web::route().to(list_tags));
    config.service(
        web::resource("/api/v1/tags/{name}")
            .route(web::patch().to(rename_tag))
            .route(web::delete().to(delete_tag))
            .default_service(method_not_allowed(&[Method::PATCH, Method::DELETE]))
            .wrap(from_fn(catch_panics)),
    );
}

/// The tags of the caller's todos.
#[derive(Debug, Serialize, ToSchema)]
pub struct TagList {
    /// The tags, by name, without regard to case. At most 20,000 are returned.
    #[schema(max_items = 20000)]
    pub items: Vec<TagItem>,
}

/// A tag, and how many todos have it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TagItem {
    /// The name of the tag. If todos spell it differently, it is one of these spellings.
    #[schema(min_length = 1, max_length = 50)]
    pub name: String,
    /// The number of todos that have it.
    #[schema(value_type = usize, minimum = 1)]
    pub count: u64,
}

impl From<TagCount> for TagItem {
    fn from(TagCount { name, count }: TagCount) -> Self {
        Self { name, count }
    }
}

/// A new name for a tag.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[schema(example = json!({"name": "shopping"}))]
pub struct TagRename {
    /// The name: 1 to 50 characters without a comma and U+0000. White space around it is removed.
    #[serde(default)]
    #[validate(custom(function = "not_null"))]
    #[schema(value_type = TagText, required = true)]
    name: Field<Tag>,
}

impl Body for TagRename {
    const FIELDS: &'static [&'static str] = &["name"];
    const REQUIRED: &'static [(&'static str, &'static str)] = &[("name", "is required")];
}

/// List tags
///
/// Returns the tags of the caller's todos, completed ones included, by name, and how many todos have each of them. Tags
/// that differ only in case are the same.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    get,
    path = "/api/v1/tags",
    operation_id = "listTags",
    tag = "tags",
    responses((status = 200, description = "The tags.", body = TagList))
)]
pub async fn list_tags(
    Caller(user): Caller,
    _: NoQuery,
    service: web::Data<TodoService>,
    stream_limit: web::Data<StreamLimit>,
) -> Result<HttpResponse, ApiError> {
    let tags = service.tags(user).await?;
    let list = TagList { items: tags.into_iter().map(TagItem::from).collect() };
    stream_limit.respond(user, json::to_string(&list).into())
}

/// Rename a tag
///
/// Renames the tag in all todos that have it, atomically. It keeps its place; if a todo also has a tag with the new name,
/// that is removed. `affected` is the number of todos that changed: 0 if none has the tag.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    patch,
    path = "/api/v1/tags/{name}",
    operation_id = "renameTag",
    tag = "tags",
    params(TagPath),
    request_body(content = TagRename),
    responses((status = 200, description = "The number of todos that were changed.", body = Affected))
)]
pub async fn rename_tag(
    Caller(user): Caller,
    TagPath { name: from }: TagPath,
    _: NoQuery,
    JsonBody(TagRename { name: to }): JsonBody<TagRename>,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let to = to.value().ok_or_else(|| ApiError::Internal("the body was not validated".into()))?;
    let affected = service.rename_tag(user, from, to).await?;
    Ok(HttpResponse::Ok().json(Affected { affected }))
}

/// Delete a tag
///
/// Removes the tag from all todos that have it, atomically; the todos remain. `affected` is the number of todos that
/// changed: 0 if none has the tag.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    delete,
    path = "/api/v1/tags/{name}",
    operation_id = "deleteTag",
    tag = "tags",
    params(TagPath),
    responses((status = 200, description = "The number of todos that were changed.", body = Affected))
)]
pub async fn delete_tag(
    Caller(user): Caller,
    TagPath { name }: TagPath,
    _: NoQuery,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let affected = service.delete_tag(user, name).await?;
    Ok(HttpResponse::Ok().json(Affected { affected }))
}
