//! `GET /health` and `GET /health/ready`

use actix_web::{HttpResponse, web};
use serde::Serialize;
use todo_domain::{RepositoryError, TodoService};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::routing::get_only;
use crate::shutdown::Shutdown;

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthStatus {
    /// In one word.
    pub status: Health,
}

/// How the service can be, when all is well; else the answer is an error.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// The process is up.
    Healthy,
    /// Requests can be served.
    Ready,
}

/// Mounts the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    get_only(config, "/health", web::route().to(health));
    get_only(config, "/health/ready", web::route().to(ready));
}

/// Tell whether the process is up
///
/// Asks no database: for what restarts a process that hangs.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "health",
    security(()),
    responses((status = 200, description = "The process is up.", body = HealthStatus))
)]
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().json(HealthStatus { status: Health::Healthy })
}

/// Tell whether requests can be served
///
/// Asks the database: for what sends requests here or elsewhere. The answer is 503 while todos cannot be read,
/// whatever the reason, and while the server is going down.
///
/// # Errors
/// As the API description says.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "ready",
    tag = "health",
    security(()),
    responses((status = 200, description = "Requests can be served.", body = HealthStatus))
)]
pub async fn ready(
    service: web::Data<TodoService>,
    shutdown: web::Data<Shutdown>,
) -> Result<HttpResponse, ApiError> {
    if shutdown.has_begun() {
        return Err(ApiError::Unavailable("the server is going down".into()));
    }
    // Also what is an internal error to other calls: requests had better go elsewhere.
    service.ready().await.map_err(|error| match error {
        RepositoryError::Unavailable(source) | RepositoryError::Internal(source) => {
            ApiError::Unavailable(source)
        }
    })?;
    Ok(HttpResponse::Ok().json(HealthStatus { status: Health::Ready }))
}
