//! Which pages of other origins may call the API from a browser.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{
    ALLOW, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER,
};

use super::request_id::X_REQUEST_ID;

/// For how many seconds a browser may remember that a call is allowed.
const MAX_AGE: usize = 3_600;

/// The rules for these origins; `*` stands for all.
pub fn cors(allowed_origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allowed_headers([
            CONTENT_TYPE,
            IF_MATCH,
            IF_NONE_MATCH,
            HeaderName::from_static("x-user-id"),
            X_REQUEST_ID,
        ])
        .expose_headers([ALLOW, ETAG, LINK, LOCATION, RETRY_AFTER, X_REQUEST_ID])
        .max_age(MAX_AGE);
    if allowed_origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin().send_wildcard();
    }
    allowed_origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
