//! The error responses of every operation. Their examples are created from the same errors that the server returns.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use utoipa::Modify;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

use super::error_examples::{body_examples, caller_examples, examples_of};
use super::examples::{REQUEST_ID, todo};
use super::operations;
use super::schemas::PRECONDITION_FAILED;
use crate::error::ApiError;
use crate::events::hub::MAX_STREAMS_PER_USER;
use crate::http::etag::ETAGS_RULE;
use crate::http::unknown::unknown;
use crate::identity::AuthMode;
use crate::todos::changes::MAX_CHANGES;
use crate::todos::errors::precondition_failed;
use crate::todos::events::TOKEN_RULE;
use crate::todos::params::{ALL_RULE, MAX_LIMIT, limit_rule};

/// Adds the possible errors to every operation, and the header `X-Request-ID` to every response.
pub(super) struct Errors(pub(super) AuthMode);

/// An example of an error: its name, when it occurs, and the error.
pub(super) type Example = (&'static str, &'static str, ApiError);

impl Modify for Errors {
    fn modify(&self, document: &mut OpenApi) {
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            add_errors(operation, self.0);
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response {
                    add_request_id(response);
                }
            }
        }
    }
}

fn add_errors(operation: &mut Operation, mode: AuthMode) {
    let mut by_status = BTreeMap::<StatusCode, Vec<Example>>::new();
    for example in examples(operation, mode) {
        by_status.entry(example.2.status_and_code().0).or_default().push(example);
    }
    for (status, examples) in by_status {
        let schema = match status {
            StatusCode::PRECONDITION_FAILED => PRECONDITION_FAILED,
            _ => "ErrorResponse",
        };
        let response = response(schema, examples);
        operation.responses.responses.insert(status.as_str().to_owned(), response.into());
    }
}

/// The possible errors of an operation, derived from its parameters and body.
fn examples(operation: &Operation, mode: AuthMode) -> Vec<Example> {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let takes = |name: &str| {
        parameters
            .iter()
            .any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == name))
    };
    let id = operation.operation_id.as_deref().unwrap_or_default();
    // Operations without a caller override the document's security requirement.
    let needs_caller = operation.security.is_none();
    let mut examples = Vec::new();
    if needs_caller {
        examples.extend(caller_examples(mode));
        examples.push((
            "too_many_requests",
            "The user has sent more requests than the server allows, if it has a limit. Nothing was changed. Retry \
             after the seconds in `Retry-After`.",
            ApiError::TooManyRequests { retry_after_seconds: 1 },
        ));
        examples.push(internal());
    }
    if id == "streamEvents" {
        examples.push((
            "too_many_streams",
            "The user has 16 streams, or the server as many as it allows. Retry after the seconds in `Retry-After`.",
            ApiError::TooManyStreams { limit: MAX_STREAMS_PER_USER, is_total: false },
        ));
        examples.push((
            "damaged_token",
            "`since` is not a token of this user.",
            ApiError::field("since", TOKEN_RULE),
        ));
    }
    if takes("todo_id") {
        examples.push(("invalid_id", "`todo_id` is not a UUID.", ApiError::InvalidTodoId));
        if id != "putTodo" {
            examples.push((
                "not_found",
                "The todo does not exist, or belongs to another user.",
                ApiError::TodoNotFound,
            ));
        }
    }
    if takes("If-Match") {
        examples.push((
            "invalid_condition",
            "A conditional header is invalid.",
            ApiError::InvalidPrecondition { header: "If-Match", message: ETAGS_RULE },
        ));
        examples.push((
            "another_version",
            "The condition does not hold. Nothing was changed; `current` is the current todo.",
            precondition_failed(Some(&todo(4, false))),
        ));
    }
    if id == "listTodos" {
        examples.retain(|(name, ..)| *name != "another_version");
    }
    examples.extend(examples_of(id));
    if operation.request_body.is_some() {
        examples.extend(body_examples(id));
    }
    if takes("limit") {
        examples.push((
            "invalid_query",
            "A query parameter is unknown or invalid. `field_errors` lists all invalid parameters.",
            ApiError::field(
                "limit",
                limit_rule(if takes("since") { MAX_CHANGES } else { MAX_LIMIT }),
            ),
        ));
    } else if needs_caller && !takes("all") {
        let mut known = parameters.iter().filter_map(query_name).collect::<Vec<_>>();
        known.sort_unstable();
        examples.push((
            "unknown_parameter",
            "A query parameter is unknown or invalid. `field_errors` lists all invalid parameters.",
            ApiError::Invalid(vec![unknown("completed", &known)]),
        ));
    }
    if takes("all") {
        examples.push((
            "no_filter",
            "Neither a filter nor `all=true` is given, or both are, or a query parameter is unknown or invalid.",
            ApiError::field("all", ALL_RULE),
        ));
    }
    let is_by_header = mode == AuthMode::Header;
    // Who calls by header is known without the database.
    if id != "health" && !(id == "whoAmI" && is_by_header) {
        examples.push((
            "unavailable",
            "The service is temporarily unavailable. Retry after the seconds in `Retry-After`.",
            ApiError::Unavailable("".into()),
        ));
    }
    if id == "ready" {
        examples.push(internal());
    }
    examples
}

fn query_name(parameter: &RefOr<Parameter>) -> Option<&str> {
    match parameter {
        RefOr::T(it) if it.parameter_in == ParameterIn::Query => Some(&it.name),
        _ => None,
    }
}

fn internal() -> Example {
    (
        "unexpected",
        "An unexpected error of the server, which logs the details under `request_id`.",
        ApiError::Internal("".into()),
    )
}

fn response(schema: &str, examples: Vec<Example>) -> Response {
    let description = description(&examples);
    let headers = examples.iter().flat_map(|(_, _, error)| headers(error)).collect::<Vec<_>>();
    let examples = examples.into_iter().map(|(name, when, error)| {
        let body = error.body(REQUEST_ID.to_owned());
        let value = serde_json::to_value(body).unwrap_or_default();
        (name, ExampleBuilder::new().summary(when).value(Some(value)).build())
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .examples_from_iter(examples)
        .build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build();
    for (name, schema, description) in headers {
        add_header(&mut response, name, schema, description);
    }
    response
}

/// When the errors occur: a sentence, or a Markdown list.
fn description(examples: &[Example]) -> String {
    match examples {
        [(_, when, _)] => (*when).to_owned(),
        examples => {
            let items: Vec<_> = examples.iter().map(|(_, when, _)| format!("- {when}")).collect();
            items.join("\n")
        }
    }
}

/// The headers of an error.
fn headers(error: &ApiError) -> Vec<(&'static str, ObjectBuilder, &'static str)> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let retry_after = ("Retry-After", seconds, "The number of seconds to wait before retrying.");
    match error {
        ApiError::Unavailable(_) => vec![retry_after],
        ApiError::MissingToken => {
            vec![("WWW-Authenticate", text(), "The challenge of RFC 6750.")]
        }
        ApiError::TooManyRequests { .. } => vec![
            retry_after,
            (
                "RateLimit",
                text(),
                "The requests that are left, `r`, and the seconds until there is another, `t`.",
            ),
            ("RateLimit-Policy", text(), "The limit: `q` requests in `w` seconds."),
        ],
        // They describe those of the other 429, too.
        ApiError::TooManyStreams { .. } => vec![
            retry_after,
            ("RateLimit", text(), "As in other responses. Absent if the server has no limit."),
            (
                "RateLimit-Policy",
                text(),
                "As in other responses. Absent if the server has no limit.",
            ),
        ],
        ApiError::PreconditionFailed { current: Some(_) } => {
            vec![("ETag", text(), "The version of `current`, in quotes. Absent if it is null.")]
        }
        _ => Vec::new(),
    }
}

fn add_request_id(response: &mut Response) {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    let description =
        "The ID of the request: the one the client sent, or one generated by the server.";
    add_header(response, "X-Request-ID", schema, description);
}

fn add_header(response: &mut Response, name: &str, schema: ObjectBuilder, description: &str) {
    let header = HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build();
    response.headers.insert(name.to_owned(), header.into());
}
