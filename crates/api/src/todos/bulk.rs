//! The bulk calls: `PATCH /api/v1/todos` and `DELETE /api/v1/todos`.

use actix_web::{HttpResponse, web};
use todo_domain::TodoService;

use super::dto::{Affected, TodosUpdate};
use super::params::{AllParams, BulkRequest, FilterParams};
use crate::error::ApiError;
use crate::http::body::JsonBody;
use crate::http::caller::Caller;

/// Update many todos
///
/// Changes all todos that match the filters, atomically: at least one of the fields is required. `affected` is the number
/// of todos that changed; those that already had the values are not counted. At least one filter is required; to update all todos, send
/// `all=true`.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    patch,
    path = "/api/v1/todos",
    operation_id = "updateTodos",
    tag = "todos",
    params(FilterParams, AllParams),
    request_body(content = TodosUpdate),
    responses((status = 200, description = "The number of todos that were changed.", body = Affected))
)]
pub async fn update_todos(
    Caller(user): Caller,
    BulkRequest(filter): BulkRequest,
    JsonBody(body): JsonBody<TodosUpdate>,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let affected = service.update_matching(user, filter, body.into()).await?;
    Ok(HttpResponse::Ok().json(Affected { affected }))
}

/// Delete many todos
///
/// Deletes all todos that match the filters, atomically. At least one filter is required; to delete all todos, send
/// `all=true`.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    delete,
    path = "/api/v1/todos",
    operation_id = "deleteTodos",
    tag = "todos",
    params(FilterParams, AllParams),
    responses((status = 200, description = "The number of todos that were deleted.", body = Affected))
)]
pub async fn delete_todos(
    Caller(user): Caller,
    BulkRequest(filter): BulkRequest,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let affected = service.delete_matching(user, filter).await?;
    Ok(HttpResponse::Ok().json(Affected { affected }))
}
