//! The body of an error response.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An invalid field, parameter or header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The name of the body field, query or path parameter, or header; `body` if the error concerns the whole body.
    #[schema(example = "title")]
    pub field: String,
    /// What is wrong, and how to fix it.
    #[schema(example = "must be at most 255 characters long, but has 256")]
    pub message: String,
}

impl FieldError {
    /// The error of a field with this name.
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }
}

/// The kind of an error, for programs to branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// `X-User-ID` is missing.
    MissingUserContext,
    /// There is no bearer token.
    MissingToken,
    /// The token has expired: renew it, and repeat the request.
    TokenExpired,
    /// The token is refused: `detail` says why.
    InvalidToken,
    /// The request is invalid.
    ValidationError,
    /// The body is too long.
    PayloadTooLarge,
    /// The body has another media type than JSON.
    UnsupportedMediaType,
    /// The todo or route does not exist.
    NotFound,
    /// The route does not support the method.
    MethodNotAllowed,
    /// The todo does not match the condition of the request.
    PreconditionFailed,
    /// The caller has sent too many requests: retry after the seconds in `Retry-After`.
    TooManyRequests,
    /// There are too many event streams, of the caller or in all: retry after the seconds in `Retry-After`.
    TooManyStreams,
    /// The user has as many todos as this server allows.
    QuotaExceeded,
    /// The change token has expired: synchronize again without `since`.
    SyncTokenExpired,
    /// The service is temporarily unavailable: retry after the seconds in `Retry-After`.
    ServiceUnavailable,
    /// An unexpected error of the server.
    ServerError,
}

/// The format of all errors: RFC 9457 problem details, extended by `error_code`, `field_errors` and `request_id`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorResponse {
    /// Always `about:blank`: the problem has no type beyond its status (RFC 9457, section 4.2.1).
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub problem_type: &'static str,
    /// The HTTP status as a phrase.
    #[schema(example = "Unprocessable Content")]
    pub title: &'static str,
    /// The HTTP status code.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub status: u16,
    /// What went wrong, for people.
    #[schema(example = "Validation error")]
    pub detail: String,
    /// What went wrong, for programs.
    pub error_code: ErrorCode,
    /// All invalid fields, parameters and headers; empty if the error does not concern any.
    pub field_errors: Vec<FieldError>,
    /// The ID of the request, under which the server logs details; also in the header `X-Request-ID`.
    #[schema(example = "0198f2c0-6d1e-7c3a-9f00-2b7d3c1a5e50")]
    pub request_id: String,
    /// Only with `PRECONDITION_FAILED`: the current todo, or null if it does not exist. That error has its own schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub current: Option<Option<Box<RawValue>>>,
}
