//! `DELETE /api/v1/todos/{todo_id}`

use actix_web::{HttpResponse, web};
use todo_domain::TodoService;

use crate::error::ApiError;
use crate::http::caller::Caller;
use crate::http::etag::WriteConditions;
use crate::http::query::NoQuery;
use crate::http::routing::TodoPath;

/// Delete a todo
///
/// With `If-Match`, a todo that has changed in the meantime is not deleted: the request fails with 412 and the current
/// todo.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    delete,
    path = "/api/v1/todos/{todo_id}",
    operation_id = "deleteTodo",
    tag = "todos",
    params(TodoPath, WriteConditions),
    responses((status = 204, description = "The todo was deleted."))
)]
pub async fn delete_todo(
    Caller(user): Caller,
    path: TodoPath,
    conditions: WriteConditions,
    _: NoQuery,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    service.delete(user, path.todo_id, conditions.versions()).await?;
    Ok(HttpResponse::NoContent().finish())
}
