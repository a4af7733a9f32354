//! The caller. Only this file reads who calls from a request; what a token is worth, [`identity`](crate::identity) knows.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::{Either, LocalBoxFuture};
use todo_domain::UserId;
use utoipa::Modify;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};

use crate::error::ApiError;
use crate::http::access_log;
use crate::http::rate_limit::RateLimit;
use crate::http::routing::parse_uuid;
use crate::identity::cache::digest;
use crate::identity::token::{MAX_BYTES, TokenError, invalid};
use crate::identity::{AuthMode, Identifier, Identity};

/// The header that identifies the caller.
const X_USER_ID: HeaderName = HeaderName::from_static("x-user-id");

/// The user who makes the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller(pub UserId);

/// The user who makes the request, and what is known about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known(pub Identity);

/// The header that identified the caller, stored in the extensions of the request. The response depends on it, so it
/// must be listed in `Vary`.
#[derive(Debug, Clone)]
pub struct VaryHeader(pub HeaderName);

/// Describes the [`Caller`] in the OpenAPI document as a security scheme, so that clients set it once and not in every
/// call. It applies to every operation that does not override it.
pub struct CallerScheme(pub AuthMode);

impl Modify for CallerScheme {
    fn modify(&self, document: &mut OpenApi) {
        let (name, scheme) = match self.0 {
            AuthMode::Header => {
                let header = ApiKeyValue::with_description(
                    "X-User-ID",
                    "The ID of the user who makes the request, a UUID. Every response covers this user's todos only.",
                );
                ("userId", SecurityScheme::ApiKey(ApiKey::Header(header)))
            }
            AuthMode::Jwt => {
                let mut bearer = Http::new(HttpAuthScheme::Bearer);
                bearer.bearer_format = Some("JWT".to_owned());
                bearer.description = Some(
                    "A token of the issuer that this server trusts. Every response covers the todos of its subject only."
                        .to_owned(),
                );
                ("bearer", SecurityScheme::Http(bearer))
            }
        };
        document.components.get_or_insert_default().add_security_scheme(name, scheme);
        document.security = Some(vec![SecurityRequirement::new(name, [] as [&str; 0])]);
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

/// The token of a request.
fn bearer_token(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = values.next().ok_or(ApiError::MissingToken)?;
    if values.next().is_some() {
        return Ok(invalid("there is more than one Authorization header")?);
    }
    let (scheme, token) = value.as_bytes().split_at_checked(7).ok_or(ApiError::MissingToken)?;
    let token = token.trim_ascii();
    if !scheme.eq_ignore_ascii_case(b"Bearer ") || token.is_empty() {
        return Err(ApiError::MissingToken);
    }
    if token.len() > MAX_BYTES {
        return Ok(invalid("the token is longer than 8 KiB")?);
    }
    let not_ascii = TokenError::Invalid("the token has characters other than ASCII".into());
    Ok(str::from_utf8(token).map_err(|_| not_ascii)?)
}

/// What an extractor that needs the caller returns: a value at once, or, if a token has to be verified, later.
pub type Extracting<T> =
    Either<Ready<Result<T, ApiError>>, LocalBoxFuture<'static, Result<T, ApiError>>>;

/// Identifies the caller of a request, then extracts something from it.
pub fn identified<T: 'static>(
    request: &HttpRequest,
    then: fn(&HttpRequest, Identity) -> Result<T, ApiError>,
) -> Extracting<T> {
    match identify_now(request) {
        Ok(Some(identity)) => Either::Left(ready(admit(request, identity, then))),
        Err(error) => Either::Left(ready(Err(error))),
        Ok(None) => {
            let request = request.clone();
            Either::Right(Box::pin(async move {
                let identity = verify(&request).await?;
                admit(&request, identity, then)
            }))
        }
    }
}

/// The caller; `None` if a token has to be verified first, because this thread has not done so recently.
fn identify_now(request: &HttpRequest) -> Result<Option<Identity>, ApiError> {
    match Identifier::of(request)? {
        Identifier::Header => {
            request.extensions_mut().insert(VaryHeader(X_USER_ID));
            let Caller(user) = Caller::from_headers(request.headers())?;
            Ok(Some(Identity { user, session: None }))
        }
        Identifier::Jwt { verifier, cache } => {
            request.extensions_mut().insert(VaryHeader(AUTHORIZATION));
            let token = digest(bearer_token(request.headers())?);
            Ok(cache.borrow_mut().get(&token, verifier.generation(), verifier.now()).cloned())
        }
    }
}

/// Verifies the token of a request, and caches it.
async fn verify(request: &HttpRequest) -> Result<Identity, ApiError> {
    let Identifier::Jwt { verifier, cache } = Identifier::of(request)? else {
        return Err(ApiError::MissingToken);
    };
    let token = bearer_token(request.headers())?;
    // Read first, so that an identity is never cached for newer keys than it was verified with.
    let (generation, now) = (verifier.generation(), verifier.now());
    let identity = verifier.verify(token).await?;
    cache.borrow_mut().insert(digest(token), identity.clone(), generation, now);
    Ok(identity)
}

/// Notes the caller for the access log, and applies the rate limit.
fn admit<T>(
    request: &HttpRequest,
    identity: Identity,
    then: fn(&HttpRequest, Identity) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    if access_log::is_on() {
        request.extensions_mut().insert(Caller(identity.user));
    }
    RateLimit::check(request, identity.user)?;
    then(request, identity)
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        identified(request, |_, identity| Ok(Self(identity.user)))
    }
}

impl FromRequest for Known {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        identified(request, |_, identity| Ok(Self(identity)))
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
