//! Errors of other layers and libraries, as errors of the API.

use todo_domain::RepositoryError;
use validator::ValidationErrors;

use super::{ApiError, FieldError};
use crate::identity::token::TokenError;

impl From<RepositoryError> for ApiError {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::Unavailable(source) => Self::Unavailable(source),
            RepositoryError::Internal(source) => Self::Internal(source),
        }
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Self::TokenExpired,
            TokenError::Invalid(why) => Self::InvalidToken(why),
        }
    }
}

/// Converts the errors of `validator`, in no particular order.
#[must_use]
pub fn field_errors(errors: &ValidationErrors) -> Vec<FieldError> {
    let fields = errors.field_errors().into_iter();
    let field_errors = fields.flat_map(|(field, errors)| {
        errors.iter().map(move |error| {
            FieldError::new(&field, error.message.as_deref().unwrap_or("is not valid"))
        })
    });
    field_errors.collect()
}
