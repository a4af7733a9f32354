//! `GET /health` and `GET /health/ready`

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use todo_domain::{RepositoryError, TodoService};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::routing::get_only;
use crate::identity::Identifier;
use crate::shutdown::Shutdown;

/// The status of the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthStatus {
    /// The status.
    pub status: Health,
}

/// The result of a successful health check; a failed one is an error.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// The process is running.
    Healthy,
    /// The service can handle requests.
    Ready,
}

/// Why the service is not ready although its database is.
#[derive(Debug, thiserror::Error)]
#[error("the server is shutting down")]
pub struct ShuttingDown;

/// Mounts the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    get_only(config, "/health", web::route().to(health));
    get_only(config, "/health/ready", web::route().to(ready));
}

/// Check liveness
///
/// Reports that the process is running, without using the database. Restart the process when this check fails.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "health",
    security(()),
    responses((status = 200, description = "The process is running.", body = HealthStatus))
)]
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().json(HealthStatus { status: Health::Healthy })
}

/// Check readiness
///
/// Reports whether the service can handle requests, by querying the database. Stop sending requests to this instance
/// while this check fails with 503: todos cannot be read, no keys for tokens are there, or the server is shutting down.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "ready",
    tag = "health",
    security(()),
    responses((status = 200, description = "The service can handle requests.", body = HealthStatus))
)]
pub async fn ready(
    request: HttpRequest,
    service: web::Data<TodoService>,
    shutdown: web::Data<Shutdown>,
) -> Result<HttpResponse, ApiError> {
    if shutdown.has_begun() {
        return Err(ApiError::Unavailable(ShuttingDown.into()));
    }
    if !Identifier::of(&request)?.is_ready() {
        return Err(ApiError::Unavailable("there are no keys to verify tokens with".into()));
    }
    // Errors that are internal in other calls are reported as 503, too: requests should go to another instance.
    service.ready().await.map_err(|error| match error {
        RepositoryError::Unavailable(source) | RepositoryError::Internal(source) => {
            ApiError::Unavailable(source)
        }
    })?;
    Ok(HttpResponse::Ok().json(HealthStatus { status: Health::Ready }))
}
