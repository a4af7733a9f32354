//! The outermost middleware: request ids, common headers, and the common error format.

use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    RETRY_AFTER, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use futures_util::FutureExt;

use super::access_log::LoggedRequest;
use super::caller::VaryHeader;
use super::chunks::in_chunks;
use super::compression::{compress, has_strong_tag, is_compressible};
use super::etag::etag;
use super::rate_limit::{RateLimitFields, whole_seconds};
use super::request_id::{RequestId, X_REQUEST_ID};
use crate::error::ApiError;
use crate::metrics::RequestMetrics;
use crate::shutdown::Shutdown;
use crate::traces::Traces;

/// The `Retry-After` of a 503, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The `Retry-After` if there are too many streams, in seconds: they stay open for long.
const STREAM_RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("10");

/// How much of a path is logged, in characters. No route is that long.
const MAX_LOGGED_PATH: usize = 200;

/// The media type of errors (RFC 9457).
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Shared caches must not store a response, and private caches must revalidate it. Users who share a browser, and so
/// its cache, are kept apart by `Vary` ([`VaryHeader`]).
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Responses whose `ETag` is a todo's version must not be stored at all. Todos of two users can have the same id and
/// version, and `Vary` alone does not keep them apart: a cache may revalidate a request of one user with the `ETag` of
/// a response to another (RFC 9111, section 4.3.1). Chromium does, and would show the other user's todo after the 304.
/// Clients that store todos themselves can still send `If-None-Match`.
const NOT_STORED: HeaderValue = HeaderValue::from_static("no-store");

/// What records requests, as far as it is on.
#[derive(Clone, Default)]
pub struct Recorders {
    /// The metrics.
    pub metrics: Option<Arc<RequestMetrics>>,
    /// The traces.
    pub traces: Option<Arc<Traces>>,
}

/// Assigns the request id and completes the response. Records the request.
///
/// # Errors
/// Only errors of the inner service.
pub async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    recorders: Recorders,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let metrics = recorders.metrics.map(|it| (it, Instant::now()));
    let trace = recorders.traces.and_then(|it| it.begin(&request));
    let (trace_id, span) = trace.map(|it| (it.id, it.span)).unzip();
    let span = span.flatten();
    let logged_request = LoggedRequest::begin();
    let id = RequestId::from_headers(request.headers()).in_trace(trace_id);
    request.extensions_mut().insert(id.clone());
    let response = match &span {
        None => next.call(request).await?,
        Some(span) => span.handle(next.call(request)).await?,
    };
    let response = response.map_into_boxed_body();

    let mut response = finish_error(response, &id);
    let is_shutting_down = response
        .request()
        .app_data::<web::Data<Shutdown>>()
        .is_some_and(|shutdown| shutdown.has_begun());
    if is_shutting_down {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let caller = response.request().extensions().get::<VaryHeader>().cloned();
    let is_compressible = is_compressible(&response);
    let names = caller.map(|VaryHeader(name)| name).into_iter();
    vary_by(response.headers_mut(), names.chain(is_compressible.then_some(ACCEPT_ENCODING)));
    if is_compressible {
        response = compress(response);
    }
    let rate_limit = response.request().extensions().get::<RateLimitFields>().cloned();
    if let Some(fields) = rate_limit {
        fields.add_to(response.headers_mut());
    }
    finish_headers(response.headers_mut(), id.clone());
    if let Some((metrics, started)) = metrics {
        metrics.record(&response, started);
    }
    if let Some(span) = span {
        span.end(&response);
    }
    let response = response.map_body(|_, body| in_chunks(body));
    Ok(match logged_request {
        None => response,
        Some(request) => request.log_when_sent(response, id),
    })
}

/// Adds names to `Vary`, combining all of its values in one header.
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
    // Header values joined by commas are a valid header value.
    if let Ok(value) = HeaderValue::from_bytes(&value) {
        headers.insert(VARY, value);
    }
}

/// Adds the headers that every response has.
fn finish_headers(headers: &mut HeaderMap, id: RequestId) {
    headers.insert(X_REQUEST_ID, id.into_header());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CACHE_CONTROL) {
        let has_version = has_strong_tag(headers);
        headers.insert(CACHE_CONTROL, if has_version { NOT_STORED } else { PRIVATE });
    }
}

/// Writes an error in the common format, whether a handler or another middleware (CORS, for example) returned it.
fn finish_error(response: ServiceResponse, id: &RequestId) -> ServiceResponse {
    let status = response.status();
    let http_error = |detail: String| ApiError::Http { status, detail };
    let (headers, body) = match response.response().error() {
        Some(error) => match error.as_error::<ApiError>() {
            Some(error) => write_error(&response, error, id),
            None => write_error(&response, &http_error(error.to_string()), id),
        },
        None if status.is_client_error() || status.is_server_error() => {
            let detail = status.canonical_reason().unwrap_or("The request failed");
            write_error(&response, &http_error(detail.to_owned()), id)
        }
        None => return response,
    };
    response.map_body(|head, _| {
        for (name, value) in headers {
            head.headers.insert(name, value);
        }
        BoxBody::new(body)
    })
}

/// The headers that an error adds to the response, and its body.
fn write_error(
    response: &ServiceResponse,
    error: &ApiError,
    id: &RequestId,
) -> (HeaderMap, Vec<u8>) {
    log(response, error, id);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    match error {
        ApiError::Unavailable(_) => {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        ApiError::KeysUnavailable { retry_after } => {
            headers.insert(RETRY_AFTER, whole_seconds(*retry_after).into());
        }
        ApiError::MissingToken | ApiError::TokenExpired | ApiError::InvalidToken(_) => {
            headers.insert(WWW_AUTHENTICATE, challenge(error));
        }
        ApiError::TooManyRequests { retry_after_seconds } => {
            headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after_seconds));
        }
        ApiError::TooManyStreams { .. } => {
            headers.insert(RETRY_AFTER, STREAM_RETRY_AFTER_SECONDS);
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
    // Strings and numbers can always be serialized.
    (headers, serde_json::to_vec(&body).unwrap_or_default())
}

/// The challenge of a 401 (RFC 6750, section 3). Without a token there is no error in it.
fn challenge(error: &ApiError) -> HeaderValue {
    const REALM: &str = "Bearer realm=\"todo-api\"";
    let value = match error {
        ApiError::MissingToken => REALM.to_owned(),
        error => format!("{REALM}, error=\"invalid_token\", error_description=\"{error}\""),
    };
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static(REALM))
}

/// Logs the causes of a 5xx, which are not sent to the client, with the request id.
fn log(response: &ServiceResponse, error: &ApiError, id: &RequestId) {
    let status = error.status_and_code().0.as_u16();
    if status < 500 {
        return;
    }
    let request = response.request();
    let (method, request_id, trace_id) = (request.method(), id.as_str(), id.trace_id());
    let path = logged_path(request);
    let causes = match error {
        ApiError::KeysUnavailable { .. } => "no keys to judge the token".to_owned(),
        error => causes(error),
    };
    if matches!(error, ApiError::Unavailable(_) | ApiError::KeysUnavailable { .. }) {
        tracing::warn!(request_id, trace_id, %method, path, status, causes, "unavailable");
    } else {
        tracing::error!(request_id, trace_id, %method, path, status, causes, "failed");
    }
}

/// The path of a request, without the query, and not longer than any route.
pub(crate) fn logged_path(request: &HttpRequest) -> String {
    request.path().chars().take(MAX_LOGGED_PATH).collect()
}

/// The chain of causes of an error on one line, starting with the direct one.
pub(crate) fn causes(error: &ApiError) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.join(": ")
}

/// The innermost middleware: turns a panic in a handler into a 500 for that request only.
///
/// # Errors
/// Only errors of the inner service.
pub async fn catch_panics(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let for_error = request.request().clone();
    // Unwind safe: the state of the request is dropped after a panic.
    let Ok(result) = AssertUnwindSafe(next.call(request)).catch_unwind().await else {
        let error = ApiError::Internal("the handler panicked".into());
        return Ok(ServiceResponse::from_err(error, for_error));
    };
    result.map(ServiceResponse::map_into_boxed_body)
}
