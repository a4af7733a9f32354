//! All errors of the API: their status, code and text, and their common format.

mod conversions;
mod response;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use serde_json::value::RawValue;
use thiserror::Error;

pub use self::conversions::field_errors;
pub use self::response::{ErrorCode, ErrorResponse, FieldError};

/// The error message for an invalid id.
pub const UUID_RULE: &str = "must be a single UUID, such as 550e8400-e29b-41d4-a716-446655440000";

/// Why a request failed.
#[derive(Debug, Error)]
pub enum ApiError {
    /// No `X-User-ID`.
    #[error("User context required")]
    MissingUser,
    /// An `X-User-ID` that is not a single UUID.
    #[error("Invalid user ID format")]
    InvalidUserId,
    /// No bearer token.
    #[error("Authentication required")]
    MissingToken,
    /// A token that was valid, but has expired.
    #[error("The token has expired (exp)")]
    TokenExpired,
    /// A token that is refused for any other reason.
    #[error("Invalid token: {0}")]
    InvalidToken(Cow<'static, str>),
    /// The keys at hand do not suffice to judge a token.
    #[error("The service is temporarily unavailable, try again shortly")]
    KeysUnavailable {
        /// When a retry may succeed.
        retry_after: Duration,
    },
    /// A `todo_id` that is not a UUID.
    #[error("Invalid todo ID format")]
    InvalidTodoId,
    /// An invalid conditional header.
    #[error("Invalid {header} header")]
    InvalidPrecondition {
        /// The name of the header.
        header: &'static str,
        /// What a valid value looks like.
        message: &'static str,
    },
    /// An invalid body or query.
    #[error("Validation error")]
    Invalid(Vec<FieldError>),
    /// A body that is too long.
    #[error("The request body must be at most {limit} bytes long")]
    PayloadTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A body that did not arrive in time.
    #[error("The request body did not arrive within {} seconds", .0.as_secs())]
    BodyTimeout(Duration),
    /// A body that is not `application/json`, or compressed.
    #[error("{0}")]
    UnsupportedMediaType(&'static str),
    /// The todo does not exist, or belongs to another user.
    #[error("Todo not found")]
    TodoNotFound,
    /// The route does not exist.
    #[error("Resource not found")]
    RouteNotFound,
    /// The route does not support the method.
    #[error("Method not allowed")]
    MethodNotAllowed {
        /// The methods that it supports.
        allowed: &'static [Method],
    },
    /// The caller has sent too many requests.
    #[error("Too many requests, try again later")]
    TooManyRequests {
        /// The time to wait, in seconds.
        retry_after_seconds: u64,
    },
    /// There are too many event streams.
    #[error("Too many event streams: at most {limit} {}", if *.is_total { "are open" } else { "for each user" })]
    TooManyStreams {
        /// The maximum.
        limit: usize,
        /// Whether it is that of all users.
        is_total: bool,
    },
    /// The condition in `If-Match` or `If-None-Match` does not hold.
    #[error("The todo does not match the condition; nothing was changed")]
    PreconditionFailed {
        /// The current todo; `None` if it does not exist.
        current: Option<CurrentTodo>,
    },
    /// The user has as many todos as allowed.
    #[error("You have {limit} todos, the maximum on this server; delete some first")]
    QuotaExceeded {
        /// The maximum.
        limit: u32,
    },
    /// The change token has expired, or belongs to another feed.
    #[error(
        "The token has expired: synchronize again without `since`, then drop the todos that were not returned"
    )]
    SyncTokenExpired,
    /// The database is unavailable, overloaded or too slow, or the server is shutting down.
    #[error("The service is temporarily unavailable, try again shortly")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// Anything else.
    #[error("An unexpected error occurred")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
    /// An error of the HTTP library or other middleware, such as a refused origin.
    #[error("{detail}")]
    Http {
        /// Its status.
        status: StatusCode,
        /// Its text.
        detail: String,
    },
}

/// The todo in a 412 response.
#[derive(Debug, Clone)]
pub struct CurrentTodo {
    /// Its version, for the `ETag`.
    pub version: i64,
    /// Its JSON, as a GET returns it.
    pub json: Box<RawValue>,
}

impl ApiError {
    /// An error with one invalid field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    /// The status and the code of the error.
    #[must_use]
    pub fn status_and_code(&self) -> (StatusCode, ErrorCode) {
        use {ErrorCode as Code, StatusCode as Status};
        match self {
            Self::MissingUser => (Status::BAD_REQUEST, Code::MissingUserContext),
            Self::MissingToken => (Status::UNAUTHORIZED, Code::MissingToken),
            Self::TokenExpired => (Status::UNAUTHORIZED, Code::TokenExpired),
            Self::InvalidToken(_) => (Status::UNAUTHORIZED, Code::InvalidToken),
            Self::InvalidUserId | Self::InvalidTodoId | Self::InvalidPrecondition { .. } => {
                (Status::BAD_REQUEST, Code::ValidationError)
            }
            Self::Invalid(_) => (Status::UNPROCESSABLE_ENTITY, Code::ValidationError),
            Self::PayloadTooLarge { .. } => (Status::PAYLOAD_TOO_LARGE, Code::PayloadTooLarge),
            Self::BodyTimeout(_) => (Status::REQUEST_TIMEOUT, Code::ValidationError),
            Self::UnsupportedMediaType(_) => {
                (Status::UNSUPPORTED_MEDIA_TYPE, Code::UnsupportedMediaType)
            }
            Self::TodoNotFound | Self::RouteNotFound => (Status::NOT_FOUND, Code::NotFound),
            Self::MethodNotAllowed { .. } => (Status::METHOD_NOT_ALLOWED, Code::MethodNotAllowed),
            Self::PreconditionFailed { .. } => {
                (Status::PRECONDITION_FAILED, Code::PreconditionFailed)
            }
            Self::QuotaExceeded { .. } => (Status::CONFLICT, Code::QuotaExceeded),
            Self::SyncTokenExpired => (Status::GONE, Code::SyncTokenExpired),
            Self::TooManyStreams { .. } => (Status::TOO_MANY_REQUESTS, Code::TooManyStreams),
            Self::TooManyRequests { .. } => (Status::TOO_MANY_REQUESTS, Code::TooManyRequests),
            Self::Unavailable(_) | Self::KeysUnavailable { .. } => {
                (Status::SERVICE_UNAVAILABLE, Code::ServiceUnavailable)
            }
            Self::Internal(_) => (Status::INTERNAL_SERVER_ERROR, Code::ServerError),
            Self::Http { status, .. } if status.is_client_error() => {
                (*status, Code::ValidationError)
            }
            Self::Http { status, .. } => (*status, Code::ServerError),
        }
    }

    /// The body of the response.
    #[must_use]
    pub fn body(&self, request_id: String) -> ErrorResponse {
        let (status, error_code) = self.status_and_code();
        let detail = self.to_string();
        let one = |field: &str, message: &str| vec![FieldError::new(field, message)];
        let field_errors = match self {
            Self::Invalid(field_errors) => field_errors.clone(),
            Self::MissingUser => one("X-User-ID", "is required: the ID of the user, a UUID"),
            Self::InvalidUserId => one("X-User-ID", UUID_RULE),
            Self::InvalidTodoId => one("todo_id", UUID_RULE),
            Self::InvalidPrecondition { header, message } => one(header, message),
            _ => Vec::new(),
        };
        let current = match self {
            Self::PreconditionFailed { current } => {
                Some(current.as_ref().map(|current| current.json.clone()))
            }
            _ => None,
        };
        ErrorResponse {
            problem_type: "about:blank",
            title: reason(status),
            status: status.as_u16(),
            detail,
            error_code,
            field_errors,
            request_id,
            current,
        }
    }
}

/// The reason phrase of RFC 9110. For two statuses the `http` crate has older phrases.
fn reason(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Content Too Large",
        StatusCode::UNPROCESSABLE_ENTITY => "Unprocessable Content",
        status => status.canonical_reason().unwrap_or("Error"),
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status_and_code().0
    }

    /// Contains only the status: the [envelope](crate::http::envelope) adds the body, which needs the request id.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}
