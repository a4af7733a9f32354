//! What every answer has in common: the request's id, the headers of a careful API, the one shape of errors.

use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use futures_util::FutureExt;

use super::caller::VariesBy;
use super::compression::{compress, has_strong_tag, is_compressible};
use super::etag::etag;
use super::pieces::in_pieces;
use super::request_id::{RequestId, X_REQUEST_ID};
use crate::error::ApiError;
use crate::shutdown::Shutdown;

/// After so many seconds a client may try again what was answered by 503.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// So many characters of a path are logged. No route is that long.
const LOGGED_PATH: usize = 200;

/// The media type of errors (RFC 9457).
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// No shared cache may keep an answer, and a browser must ask before it uses its own. That does not tell the callers
/// who share a browser from each other; `Vary` does ([`VariesBy`]).
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// What is known by a todo's version must not be stored at all. Two users may have todos of one id in one version, and
/// `Vary` alone does not keep them apart: a cache may ask the server, by the `ETag` of the answer to one user, what to
/// show another (RFC 9111, section 4.3.1). Chromium does, and 304 is the answer. A client that keeps the version itself
/// can still ask with it.
const NOT_STORED: HeaderValue = HeaderValue::from_static("no-store");

/// The outermost layer: gives the request its id and finishes the answer.
///
/// # Errors
/// None of its own.
pub async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let response = next.call(request).await?.map_into_boxed_body();

    let mut response = finish_error(response, &id);
    let is_shutting_down = response
        .request()
        .app_data::<web::Data<Shutdown>>()
        .is_some_and(|shutdown| shutdown.has_begun());
    if is_shutting_down {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let caller = response.request().extensions().get::<VariesBy>().cloned();
    let is_compressible = is_compressible(&response);
    let names = caller.map(|VariesBy(name)| name).into_iter();
    vary_by(response.headers_mut(), names.chain(is_compressible.then_some(ACCEPT_ENCODING)));
    if is_compressible {
        response = compress(response);
    }
    finish_headers(response.headers_mut(), id);
    Ok(response.map_body(|_, body| in_pieces(body)))
}

/// Adds headers to those by which the answer varies, all in one field.
fn vary_by(headers: &mut HeaderMap, names: impl Iterator<Item = HeaderName>) {
    let mut value = Vec::new();
    for name in names {
        value.extend_from_slice(name.as_str().as_bytes());
        value.extend_from_slice(b", ");
    }
    if value.is_empty() {
        return;
    }
    for others in headers.get_all(VARY) {
        value.extend_from_slice(others.as_bytes());
        value.extend_from_slice(b", ");
    }
    value.truncate(value.len() - 2);
    // Made of header values, it is one.
    if let Ok(value) = HeaderValue::from_bytes(&value) {
        headers.insert(VARY, value);
    }
}

/// Adds what every answer has.
fn finish_headers(headers: &mut HeaderMap, id: RequestId) {
    headers.insert(X_REQUEST_ID, id.into_header());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CACHE_CONTROL) {
        let is_known_by_version = has_strong_tag(headers);
        headers.insert(CACHE_CONTROL, if is_known_by_version { NOT_STORED } else { PRIVATE });
    }
}

/// Writes an error in the one shape: the handler's, or, where a layer around the handlers made an answer of its
/// own (a refused origin, for example), that.
fn finish_error(response: ServiceResponse, id: &RequestId) -> ServiceResponse {
    let status = response.status();
    let of_a_layer = |detail: String| ApiError::Http { status, detail };
    match response.response().error() {
        Some(error) => match error.as_error::<ApiError>() {
            Some(error) => write_error(&response, error, id),
            None => write_error(&response, &of_a_layer(error.to_string()), id),
        },
        None if status.is_client_error() || status.is_server_error() => {
            let detail = status.canonical_reason().unwrap_or("The request failed");
            write_error(&response, &of_a_layer(detail.to_owned()), id)
        }
        None => return response,
    }
    .apply(response)
}

/// What an error adds to the headers, and its body.
struct Written {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Written {
    fn apply(self, response: ServiceResponse) -> ServiceResponse {
        response.map_body(|head, _| {
            for (name, value) in self.headers {
                head.headers.insert(name, value);
            }
            BoxBody::new(self.body)
        })
    }
}

fn write_error(response: &ServiceResponse, error: &ApiError, id: &RequestId) -> Written {
    log(response, error, id);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    match error {
        ApiError::Unavailable(_) => {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        ApiError::MethodNotAllowed { allowed } => {
            let allowed = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
            if let Ok(allowed) = HeaderValue::from_str(&allowed) {
                headers.insert(ALLOW, allowed);
            }
        }
        ApiError::PreconditionFailed { current: Some(current) } => {
            headers.insert(ETAG, etag(current.version));
        }
        _ => {}
    }
    let body = error.body(id.as_str().to_owned());
    // It holds strings and numbers only, which always can be written.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    Written { headers, body }
}

/// What a client is not told: the causes of a 5xx, for the one who finds its id.
fn log(response: &ServiceResponse, error: &ApiError, id: &RequestId) {
    let status = error.status_and_code().0.as_u16();
    if status < 500 {
        return;
    }
    let request = response.request();
    let (method, request_id) = (request.method(), id.as_str());
    let path: String = request.path().chars().take(LOGGED_PATH).collect();
    let causes = causes(error);
    if matches!(error, ApiError::Unavailable(_)) {
        tracing::warn!(request_id, %method, path, status, causes, "unavailable");
    } else {
        tracing::error!(request_id, %method, path, status, causes, "failed");
    }
}

/// The causes of an error, on one line: the nearest first.
pub(crate) fn causes(error: &ApiError) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.join(": ")
}

/// The innermost layer: a panic in a handler is a 500 of its own request and nobody else's.
///
/// # Errors
/// None of its own.
pub async fn catch_panics(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let for_error = request.request().clone();
    // What a panic leaves behind is dropped with the request.
    let Ok(result) = AssertUnwindSafe(next.call(request)).catch_unwind().await else {
        let error = ApiError::Internal("the handler panicked".into());
        return Ok(ServiceResponse::from_err(error, for_error));
    };
    result.map(ServiceResponse::map_into_boxed_body)
}
