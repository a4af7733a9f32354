//! `DELETE /api/v1/todos/{todo_id}`

use actix_web::{HttpResponse, web};
use todo_domain::TodoService;

use crate::error::ApiError;
use crate::http::caller::Caller;
use crate::http::etag::{Conditions, IfMatchHeader, UnlessMatchHeader};
use crate::http::query::NoQuery;
use crate::http::routing::TodoPath;

/// Delete a todo
///
/// With `If-Match`, a todo that was changed in between is not deleted; the answer is 412 and the todo as it stands.
///
/// # Errors
/// As the API description says.
#[utoipa::path(
    delete,
    path = "/api/v1/todos/{todo_id}",
    operation_id = "deleteTodo",
    tag = "todos",
    params(TodoPath, IfMatchHeader, UnlessMatchHeader),
    responses((status = 204, description = "The todo is gone."))
)]
pub async fn delete_todo(
    Caller(user): Caller,
    path: TodoPath,
    conditions: Conditions,
    _: NoQuery,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    service.delete(user, path.todo_id, conditions.versions()).await?;
    Ok(HttpResponse::NoContent().finish())
}
