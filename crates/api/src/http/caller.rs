//! Who calls. The one place that knows how a caller is named, so that authentication can replace it here.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use todo_domain::UserId;
use utoipa::Modify;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};

use crate::error::ApiError;
use crate::http::routing::parse_uuid;

/// The header that names the caller.
const X_USER_ID: HeaderName = HeaderName::from_static("x-user-id");

/// The user on whose behalf a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller(pub UserId);

/// Left in the extensions of a request whose caller was asked for: the header on which its answer depends, and by
/// which a cache has to tell it from the answers to others.
#[derive(Debug, Clone)]
pub struct VariesBy(pub HeaderName);

/// How the API description shows a [`Caller`]: as a security scheme, which clients set once and not in each call.
/// Every operation needs it, but those that say otherwise.
pub struct CallerScheme;

impl CallerScheme {
    /// Its name in the API description.
    pub const NAME: &str = "userId";
}

impl Modify for CallerScheme {
    fn modify(&self, document: &mut OpenApi) {
        let header = ApiKeyValue::with_description(
            "X-User-ID",
            "The UUID of the user on whose behalf the request is made. Every answer is about this user's todos alone.",
        );
        let scheme = SecurityScheme::ApiKey(ApiKey::Header(header));
        document.components.get_or_insert_default().add_security_scheme(Self::NAME, scheme);
        document.security = Some(vec![SecurityRequirement::new(Self::NAME, [] as [&str; 0])]);
    }
}

impl Caller {
    fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
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

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        request.extensions_mut().insert(VariesBy(X_USER_ID));
        ready(Self::of(request.headers()))
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
        Caller::of(&headers)
    }

    #[test]
    fn one_uuid_names_the_caller_in_either_case() {
        let lower = caller(&["550e8400-e29b-41d4-a716-446655440000"]).unwrap();
        let upper = caller(&[" 550E8400-E29B-41D4-A716-446655440000 "]).unwrap();
        assert_eq!(lower, upper);
    }

    #[test]
    fn nobody_is_not_somebody() {
        assert!(matches!(caller(&[]), Err(ApiError::MissingUser)));
        assert!(matches!(caller(&["  "]), Err(ApiError::MissingUser)));
    }

    #[test]
    fn anything_but_one_uuid_is_refused() {
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
