//! The caller. Only this file knows how callers are identified, so authentication can be added here.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use todo_domain::UserId;
use utoipa::Modify;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};

use crate::error::ApiError;
use crate::http::access_log;
use crate::http::rate_limit::RateLimit;
use crate::http::routing::parse_uuid;

/// The header that identifies the caller.
const X_USER_ID: HeaderName = HeaderName::from_static("x-user-id");

/// The user who makes the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller(pub UserId);

/// The header that identified the caller, stored in the extensions of the request. The response depends on it, so it
/// must be listed in `Vary`.
#[derive(Debug, Clone)]
pub struct VaryHeader(pub HeaderName);

/// Describes the [`Caller`] in the OpenAPI document as a security scheme, so that clients set it once and not in every
/// call. It applies to every operation that does not override it.
pub struct CallerScheme;

impl CallerScheme {
    /// Its name in the OpenAPI document.
    pub const NAME: &str = "userId";
}

impl Modify for CallerScheme {
    fn modify(&self, document: &mut OpenApi) {
        let header = ApiKeyValue::with_description(
            "X-User-ID",
            "The ID of the user who makes the request, a UUID. Every response covers this user's todos only.",
        );
        let scheme = SecurityScheme::ApiKey(ApiKey::Header(header));
        document.components.get_or_insert_default().add_security_scheme(Self::NAME, scheme);
        document.security = Some(vec![SecurityRequirement::new(Self::NAME, [] as [&str; 0])]);
    }
}

impl Caller {
    fn from_headers(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut values = headers.get_all(X_USER_ID);
        let Some(value) = values.next() else { return Err(ApiError::MissingUser) };
        if values.next().is_some() {
            return Err(ApiError::InvalidUserId);
        }
        let value = value.as_bytes().trim_ascii();
        if value.is_empty() {
            return Err(ApiError::MissingUser);
        }
        parse_uuid(value).map(|id| Self(UserId(id))).ok_or(ApiError::InvalidUserId)
    }
}

impl Caller {
    /// Notes the caller for the access log, and applies the rate limit.
    fn admit(self, request: &HttpRequest) -> Result<Self, ApiError> {
        if access_log::is_on() {
            request.extensions_mut().insert(self);
        }
        RateLimit::check(request, self.0)?;
        Ok(self)
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        request.extensions_mut().insert(VaryHeader(X_USER_ID));
        ready(Self::from_headers(request.headers()).and_then(|caller| caller.admit(request)))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn caller(values: &[&'static str]) -> Result<Caller, ApiError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(X_USER_ID, HeaderValue::from_static(value));
        }
        Caller::from_headers(&headers)
    }

    #[test]
    fn a_uuid_in_upper_or_lower_case_identifies_the_caller() {
        let lower = caller(&["550e8400-e29b-41d4-a716-446655440000"]).unwrap();
        let upper = caller(&[" 550E8400-E29B-41D4-A716-446655440000 "]).unwrap();
        assert_eq!(lower, upper);
    }

    #[test]
    fn a_missing_or_empty_header_is_a_missing_user() {
        assert!(matches!(caller(&[]), Err(ApiError::MissingUser)));
        assert!(matches!(caller(&["  "]), Err(ApiError::MissingUser)));
    }

    #[test]
    fn anything_but_a_single_uuid_is_rejected() {
        const ID: &str = "550e8400-e29b-41d4-a716-446655440000";
        for values in [
            &["me"][..],
            &["550e8400e29b41d4a716446655440000"],
            &["{550e8400-e29b-41d4-a716-446655440000}"],
            &["550e8400-e29b-41d4-a716-446655440000,550e8400-e29b-41d4-a716-446655440000"],
            &[ID, ID],
        ] {
            assert!(matches!(caller(values), Err(ApiError::InvalidUserId)), "{values:?}");
        }
    }
}
