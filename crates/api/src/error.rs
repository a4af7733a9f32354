//! Every error that the API can answer with: one table, one shape.

use std::error::Error as StdError;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::value::RawValue;
use thiserror::Error;
use todo_domain::RepositoryError;
use utoipa::ToSchema;
use validator::ValidationErrors;

/// What an id must be.
pub const UUID_RULE: &str =
    "must be one UUID, in hexadecimal digits: 550e8400-e29b-41d4-a716-446655440000";

/// Why a request was not carried out.
#[derive(Debug, Error)]
pub enum ApiError {
    /// No `X-User-ID`.
    #[error("User context required")]
    MissingUser,
    /// An `X-User-ID` that is not one UUID.
    #[error("Invalid user ID format")]
    InvalidUserId,
    /// A `todo_id` that is not a UUID.
    #[error("Invalid todo ID format")]
    InvalidTodoId,
    /// A conditional header that cannot be understood.
    #[error("Invalid {header} header")]
    InvalidPrecondition {
        /// Its name.
        header: &'static str,
        /// What would be right.
        message: &'static str,
    },
    /// A body or query that breaks a rule.
    #[error("Validation error")]
    Invalid(Vec<FieldError>),
    /// A body over the limit.
    #[error("The request body must be at most {limit} bytes long")]
    PayloadTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A body that is not there in time.
    #[error("The request body did not arrive within {} seconds", .0.as_secs())]
    BodyTimeout(Duration),
    /// A body that is not `application/json`, or compressed.
    #[error("{0}")]
    UnsupportedMediaType(&'static str),
    /// No such todo, or another user's.
    #[error("Todo not found")]
    TodoNotFound,
    /// No such route.
    #[error("Resource not found")]
    RouteNotFound,
    /// A route that does not know the method.
    #[error("Method not allowed")]
    MethodNotAllowed {
        /// The methods that it knows.
        allowed: &'static [Method],
    },
    /// The condition in `If-Match` or `If-None-Match` does not hold.
    #[error("The todo is not as the request expects it; nothing was changed")]
    PreconditionFailed {
        /// The todo as it stands; `None` when there is none.
        current: Option<CurrentTodo>,
    },
    /// The database is away, overloaded or too slow; or the server is going down.
    #[error("The service is temporarily unavailable, try again shortly")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// Anything else.
    #[error("An unexpected error occurred")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
    /// An error of the HTTP layer around the handlers, such as a refused origin.
    #[error("{detail}")]
    Http {
        /// The status it has chosen.
        status: StatusCode,
        /// What it says.
        detail: String,
    },
}

/// The todo that a 412 carries.
#[derive(Debug, Clone)]
pub struct CurrentTodo {
    /// For the `ETag`.
    pub version: i64,
    /// As a GET would return it.
    pub json: Box<RawValue>,
}

/// What is wrong with one field of a body, one parameter or one header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field of the body, the parameter of the query or path, or the header; `body` when the body as a whole
    /// cannot be read.
    #[schema(example = "title")]
    pub field: String,
    /// What is wrong with it, and so what would be right.
    #[schema(example = "must be at most 255 characters long, but has 256")]
    pub message: String,
}

/// A word for each kind of error, for programs to branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// `X-User-ID` is missing.
    MissingUserContext,
    /// Something in the request breaks a rule.
    ValidationError,
    /// The body is too long.
    PayloadTooLarge,
    /// The body is of another media type.
    UnsupportedMediaType,
    /// There is no such todo or route.
    NotFound,
    /// The route does not know the method.
    MethodNotAllowed,
    /// The todo has another version than the request expects.
    PreconditionFailed,
    /// Try again after the seconds in `Retry-After`.
    ServiceUnavailable,
    /// A defect of the server.
    ServerError,
}

/// Every error of this API: RFC 9457 problem details, with the fields of the original contract beside them.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorResponse {
    /// Always `about:blank`: the status says it all (RFC 9457, section 4.2.1).
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub problem_type: &'static str,
    /// The status in words.
    #[schema(example = "Unprocessable Content")]
    pub title: &'static str,
    /// The status as a number.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub status: u16,
    /// What went wrong, for people.
    #[schema(example = "Validation error")]
    pub detail: String,
    /// What went wrong, for programs.
    pub error_code: ErrorCode,
    /// Every field, parameter or header that breaks a rule, all at once; empty when the error concerns none.
    pub field_errors: Vec<FieldError>,
    /// The id under which the server's log tells more; also in the header `X-Request-ID`.
    #[schema(example = "0198f2c0-6d1e-7c3a-9f00-2b7d3c1a5e50")]
    pub request_id: String,
    /// Only with `PRECONDITION_FAILED`: the todo as it stands, or null when there is none. It has a schema of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub current: Option<Option<Box<RawValue>>>,
}

impl ApiError {
    /// One wrong field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }

    /// The table: status and code of every error.
    #[must_use]
    pub fn status_and_code(&self) -> (StatusCode, ErrorCode) {
        use {ErrorCode as Code, StatusCode as Status};
        match self {
            Self::MissingUser => (Status::BAD_REQUEST, Code::MissingUserContext),
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
            Self::Unavailable(_) => (Status::SERVICE_UNAVAILABLE, Code::ServiceUnavailable),
            Self::Internal(_) => (Status::INTERNAL_SERVER_ERROR, Code::ServerError),
            Self::Http { status, .. } if status.is_client_error() => {
                (*status, Code::ValidationError)
            }
            Self::Http { status, .. } => (*status, Code::ServerError),
        }
    }

    /// The body that tells of this error.
    #[must_use]
    pub fn body(&self, request_id: String) -> ErrorResponse {
        let (status, error_code) = self.status_and_code();
        let detail = self.to_string();
        let one = |field: &str, message: &str| {
            vec![FieldError { field: field.to_owned(), message: message.to_owned() }]
        };
        let field_errors = match self {
            Self::Invalid(field_errors) => field_errors.clone(),
            Self::MissingUser => one("X-User-ID", "is required: the id of the user, a UUID"),
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

/// The status in the words of RFC 9110; the `http` crate has older ones for two.
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

    /// Only the status: the body needs the request's id, so the [envelope](crate::http::envelope) writes it.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<RepositoryError> for ApiError {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::Unavailable(source) => Self::Unavailable(source),
            RepositoryError::Internal(source) => Self::Internal(source),
        }
    }
}

/// The rules that a body breaks, in no order.
#[must_use]
pub fn field_errors(errors: &ValidationErrors) -> Vec<FieldError> {
    let fields = errors.field_errors().into_iter();
    let told = fields.flat_map(|(field, errors)| {
        errors.iter().map(move |error| FieldError {
            field: field.to_string(),
            message: error.message.as_deref().unwrap_or("is not valid").to_owned(),
        })
    });
    told.collect()
}
