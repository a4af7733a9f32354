//! `GET /api/v1/me`

use actix_web::{HttpResponse, web};
use chrono::SecondsFormat;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::caller::Known;
use crate::http::query::NoQuery;
use crate::http::routing::get_only;
use crate::identity::Identity;

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhoAmI {
    /// The ID of the user, as in a todo's `user_id`.
    pub user_id: Uuid,
    /// The subject of the token (`sub`), or null if no token named the caller.
    #[schema(required = true, min_length = 1, max_length = 255)]
    pub subject: Option<String>,
    /// When the token expires (`exp`), in the format of a todo's `created_at`; null if no token named the caller.
    #[schema(required = true, format = DateTime)]
    pub expires_at: Option<String>,
}

impl From<Identity> for WhoAmI {
    fn from(Identity { user, session }: Identity) -> Self {
        let session = session.as_deref();
        let time = |it: &chrono::DateTime<_>| it.to_rfc3339_opts(SecondsFormat::Micros, true);
        Self {
            user_id: user.0,
            subject: session.map(|it| it.subject.clone()),
            expires_at: session.map(|it| time(&it.expires_at)),
        }
    }
}

/// Mounts the route.
pub fn routes(config: &mut web::ServiceConfig) {
    get_only(config, "/api/v1/me", web::route().to(who_am_i));
}

/// Show the caller
///
/// Shows which user the request is made for. It does not use the database.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    operation_id = "whoAmI",
    tag = "caller",
    responses((status = 200, description = "The caller.", body = WhoAmI))
)]
pub async fn who_am_i(Known(identity): Known, _: NoQuery) -> HttpResponse {
    HttpResponse::Ok().json(WhoAmI::from(identity))
}
