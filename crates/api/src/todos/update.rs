//! `PATCH /api/v1/todos/{todo_id}`

use actix_web::{HttpResponse, web};
use todo_domain::TodoService;

use super::dto::{TodoRead, TodoUpdate};
use super::json;
use crate::error::ApiError;
use crate::http::body::JsonBody;
use crate::http::caller::Caller;
use crate::http::etag::{Conditions, IfMatchHeader, UnlessMatchHeader};
use crate::http::query::NoQuery;
use crate::http::routing::TodoPath;

/// Change a todo
///
/// A field that is left out stays as it is; `description: null` clears the description. A call that changes
/// nothing, `{}` for example, leaves `version` and `updated_at` alone. Without `If-Match` the later of two
/// changes wins; with it, a change that was made in between is answered by 412 and the todo as it stands.
///
/// # Errors
/// As the API description says.
#[utoipa::path(
    patch,
    path = "/api/v1/todos/{todo_id}",
    operation_id = "updateTodo",
    tag = "todos",
    params(TodoPath, IfMatchHeader, UnlessMatchHeader),
    request_body(content = TodoUpdate),
    responses((
        status = 200,
        description = "The todo as it is now.",
        body = TodoRead,
        headers(("ETag" = String, description = "Its version, in quotes."))
    ))
)]
pub async fn update_todo(
    Caller(user): Caller,
    path: TodoPath,
    conditions: Conditions,
    _: NoQuery,
    JsonBody(body): JsonBody<TodoUpdate>,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let changes = body.into_patch()?;
    let todo = service.update(user, path.todo_id, changes, conditions.versions()).await?;
    Ok(json::respond(HttpResponse::Ok(), &todo))
}
