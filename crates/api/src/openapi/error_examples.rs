//! The errors of the caller, of bodies, and of single operations.

use todo_domain::TodoError;
use todo_domain::tag::InvalidTag;

use super::errors::Example;
use crate::error::ApiError;
use crate::http::body::{BODY_TIMEOUT, MAX_BODY_BYTES, MEDIA_TYPE_RULE};
use crate::http::unknown::unknown;
use crate::identity::AuthMode;
use crate::todos::dto::CHANGES_RULE;
use crate::todos::errors::precondition_failed;

/// The errors of single operations.
pub(super) fn examples_of(operation_id: &str) -> Vec<Example> {
    let quota_exceeded = (
        "quota_exceeded",
        "The user has as many todos as the server allows, if it has a limit. Nothing was changed.",
        ApiError::QuotaExceeded { limit: 10_000 },
    );
    match operation_id {
        "listTodos" => vec![(
            "weak_tag",
            "`If-Match` has tags: they never hold, because the tag of a list is weak.",
            precondition_failed(None),
        )],
        "listChanges" => vec![(
            "expired",
            "The token has expired. Ask again without `since`, and drop the todos that are not returned.",
            ApiError::SyncTokenExpired,
        )],
        "updateTodos" => vec![(
            "too_many_tags",
            "Some of the todos would have more than 20 tags. Nothing was changed.",
            TodoError::TooManyTags.into(),
        )],
        "renameTag" | "deleteTag" => vec![(
            "invalid_name",
            "`name` is not a tag.",
            ApiError::field("name", InvalidTag::Comma.to_string()),
        )],
        "createTodo" => vec![quota_exceeded],
        "putTodo" => vec![
            quota_exceeded,
            (
                "no_todo",
                "The condition requires a todo that does not exist.",
                precondition_failed(None),
            ),
        ],
        _ => Vec::new(),
    }
}

/// The possible errors of identifying the caller.
pub(super) fn caller_examples(mode: AuthMode) -> Vec<Example> {
    match mode {
        AuthMode::Header => vec![
            ("missing_user", "The header `X-User-ID` is missing or empty.", ApiError::MissingUser),
            (
                "invalid_user",
                "The header `X-User-ID` is not a single UUID.",
                ApiError::InvalidUserId,
            ),
        ],
        AuthMode::Jwt => vec![
            ("missing_token", "There is no bearer token.", ApiError::MissingToken),
            (
                "expired_token",
                "The token has expired. Renew it, and repeat the request.",
                ApiError::TokenExpired,
            ),
            (
                "invalid_token",
                "The token is refused; `detail` says why.",
                ApiError::InvalidToken("the claim aud names none of the accepted audiences".into()),
            ),
        ],
    }
}

/// The possible errors of a body.
pub(super) fn body_examples(operation_id: &str) -> [Example; 5] {
    let (field, message) = match operation_id {
        "updateTodos" => ("body", CHANGES_RULE),
        "renameTag" => ("name", "is required"),
        _ => ("title", "is required"),
    };
    [
        (
            "invalid_body",
            "The body is not a JSON object, or a field is invalid. `field_errors` lists all invalid fields.",
            ApiError::field(field, message),
        ),
        (
            "unknown_field",
            "The body has an unknown field.",
            ApiError::Invalid(vec![unknown("completed", &["is_completed"])]),
        ),
        (
            "too_large",
            "The body is longer than 64 KiB.",
            ApiError::PayloadTooLarge { limit: MAX_BODY_BYTES },
        ),
        ("too_slow", "The body did not arrive in time.", ApiError::BodyTimeout(BODY_TIMEOUT)),
        (
            "not_json",
            "The body has another media type, or is compressed.",
            ApiError::UnsupportedMediaType(MEDIA_TYPE_RULE),
        ),
    ]
}
