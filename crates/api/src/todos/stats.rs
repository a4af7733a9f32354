//! `GET /api/v1/todos/stats`

use actix_web::{HttpResponse, web};
use todo_domain::TodoService;

use super::dto::TodoStats;
use super::params::{FilterParams, FilterRequest};
use crate::error::ApiError;
use crate::http::caller::Caller;

/// Count todos
///
/// Counts the todos that match the filters. The three numbers are consistent with each other.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    get,
    path = "/api/v1/todos/stats",
    operation_id = "todoStats",
    tag = "todos",
    params(FilterParams),
    responses((status = 200, description = "The number of matching todos.", body = TodoStats))
)]
pub async fn todo_stats(
    Caller(user): Caller,
    FilterRequest(filter): FilterRequest,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(TodoStats::from(service.stats(user, filter).await?)))
}
