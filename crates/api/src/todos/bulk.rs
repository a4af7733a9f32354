//! `PATCH /api/v1/todos` and `DELETE /api/v1/todos`: many at once.

use actix_web::{HttpResponse, web};
use todo_domain::TodoService;

use super::dto::{Affected, TodosUpdate};
use super::params::{AllParams, FilterParams, ManyRequest};
use crate::error::ApiError;
use crate::http::body::JsonBody;
use crate::http::caller::Caller;

/// Change many todos
///
/// Completes or reopens all todos that match the filters, in one step. `affected` counts those that this changed.
/// Without any filter it refuses, unless `all=true`.
///
/// # Errors
/// As the API description says.
#[utoipa::path(
    patch,
    path = "/api/v1/todos",
    operation_id = "updateTodos",
    tag = "todos",
    params(FilterParams, AllParams),
    request_body(content = TodosUpdate),
    responses((status = 200, description = "How many were changed.", body = Affected))
)]
pub async fn update_todos(
    Caller(user): Caller,
    ManyRequest(filter): ManyRequest,
    JsonBody(body): JsonBody<TodosUpdate>,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let affected = service.update_matching(user, filter, body.into_is_completed()?).await?;
    Ok(HttpResponse::Ok().json(Affected { affected }))
}

/// Delete many todos
///
/// Deletes all todos that match the filters, in one step. Without any filter it refuses, unless `all=true`.
///
/// # Errors
/// As the API description says.
#[utoipa::path(
    delete,
    path = "/api/v1/todos",
    operation_id = "deleteTodos",
    tag = "todos",
    params(FilterParams, AllParams),
    responses((status = 200, description = "How many were deleted.", body = Affected))
)]
pub async fn delete_todos(
    Caller(user): Caller,
    ManyRequest(filter): ManyRequest,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let affected = service.delete_matching(user, filter).await?;
    Ok(HttpResponse::Ok().json(Affected { affected }))
}
