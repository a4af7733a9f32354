//! `GET /api/v1/todos/stats`

use actix_web::{HttpResponse, web};
use todo_domain::TodoService;

use super::dto::TodoStats;
use super::params::{FilterParams, NowParams, StatsRequest};
use crate::error::ApiError;
use crate::http::caller::Caller;

/// Count todos
///
/// Counts the todos that match the filters. The numbers are consistent with each other. A todo is overdue if it is active
/// and due before `now`; a date, if its day has ended in the zone of `now`.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    get,
    path = "/api/v1/todos/stats",
    operation_id = "todoStats",
    tag = "todos",
    params(FilterParams, NowParams),
    responses((status = 200, description = "The number of matching todos.", body = TodoStats))
)]
pub async fn todo_stats(
    Caller(user): Caller,
    StatsRequest { filter, now }: StatsRequest,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(TodoStats::from(service.stats(user, filter, now).await?)))
}
