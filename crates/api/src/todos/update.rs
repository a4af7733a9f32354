//! `PATCH /api/v1/todos/{todo_id}`

use actix_web::{HttpResponse, web};
use todo_domain::TodoService;

use super::dto::{TodoRead, TodoUpdate};
use super::json;
use crate::error::ApiError;
use crate::http::body::JsonBody;
use crate::http::caller::Caller;
use crate::http::etag::WriteConditions;
use crate::http::query::NoQuery;
use crate::http::routing::TodoPath;

/// Update a todo
///
/// Omitted fields keep their values; `description: null` clears the description. A call that changes nothing, such as
/// `{}`, does not change `version` and `updated_at`. Without `If-Match`, the later of two updates wins. With it, the
/// request fails with 412 and the current todo if the todo has changed in the meantime.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    patch,
    path = "/api/v1/todos/{todo_id}",
    operation_id = "updateTodo",
    tag = "todos",
    params(TodoPath, WriteConditions),
    request_body(content = TodoUpdate),
    responses((
        status = 200,
        description = "The updated todo.",
        body = TodoRead,
        headers(("ETag" = String, description = "The version of the todo, in quotes."))
    ))
)]
pub async fn update_todo(
    Caller(user): Caller,
    path: TodoPath,
    conditions: WriteConditions,
    _: NoQuery,
    JsonBody(body): JsonBody<TodoUpdate>,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let todo = service.update(user, path.todo_id, body.into(), conditions.versions()).await?;
    Ok(json::respond(HttpResponse::Ok(), &todo))
}
