//! Building blocks of the routes.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::guard::{self, Guard};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, HttpRequest, Route, web};
use todo_domain::TodoId;
use utoipa::IntoParams;
use uuid::Uuid;

use super::envelope::catch_panics;
use crate::error::ApiError;

/// Mounts a resource that supports only GET and HEAD.
pub fn get_only(config: &mut web::ServiceConfig, path: &'static str, route: Route) {
    config.service(
        web::resource(path)
            .route(route.guard(get_or_head()))
            .default_service(method_not_allowed(&[Method::GET, Method::HEAD]))
            .wrap(from_fn(catch_panics)),
    );
}

/// Matches GET and HEAD: the same handler serves both, and actix-web omits the body.
#[must_use]
pub fn get_or_head() -> impl Guard {
    guard::Any(guard::Get()).or(guard::Head())
}

/// The route for unsupported methods of a resource.
#[must_use]
pub fn method_not_allowed(allowed: &'static [Method]) -> Route {
    web::to(move || ready(Err::<&str, _>(ApiError::MethodNotAllowed { allowed })))
}

/// The handler for unknown paths.
///
/// # Errors
/// Always [`ApiError::RouteNotFound`].
pub async fn route_not_found() -> Result<&'static str, ApiError> {
    Err(ApiError::RouteNotFound)
}

/// Extracts the todo id from the path.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TodoPath {
    /// The ID of the todo.
    #[param(value_type = Uuid)]
    pub todo_id: TodoId,
}

impl FromRequest for TodoPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("todo_id").and_then(|id| parse_uuid(id.as_bytes()));
        ready(id.map(|id| Self { todo_id: TodoId(id) }).ok_or(ApiError::InvalidTodoId))
    }
}

/// Parses a UUID in the canonical form only: 8-4-4-4-12 hexadecimal digits, in upper or lower case.
pub(crate) fn parse_uuid(text: &[u8]) -> Option<Uuid> {
    const CANONICAL_LENGTH: usize = 36;
    if text.len() == CANONICAL_LENGTH { Uuid::try_parse_ascii(text).ok() } else { None }
}
