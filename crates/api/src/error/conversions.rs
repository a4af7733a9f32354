//! Errors of other layers and libraries, as errors of the API.

use todo_domain::RepositoryError;
use validator::{ValidationError, ValidationErrors};

use super::{ApiError, FieldError};
use crate::http::field::INVALID_ITEMS;
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
    fields
        .flat_map(|(field, errors)| errors.iter().flat_map(move |it| of_field(&field, it)))
        .collect()
}

/// The errors of a field; of a whole body, if the field is that of `validator` for it: the code is the field to name.
fn of_field(field: &str, error: &ValidationError) -> Vec<FieldError> {
    if error.code == INVALID_ITEMS {
        // `validator` adds the value, which is null.
        let items = error.params.iter().filter_map(|(index, it)| Some((index, it.as_str()?)));
        return items
            .map(|(index, message)| FieldError::new(&format!("{field}[{index}]"), message))
            .collect();
    }
    let field = if field == "__all__" { &error.code } else { field };
    vec![FieldError::new(field, error.message.as_deref().unwrap_or("is not valid"))]
}
