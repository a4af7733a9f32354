//! The errors of every operation, described by the errors themselves: each example is the very body that the
//! server would send.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use utoipa::Modify;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

use super::examples::{REQUEST_ID, todo};
use super::operations;
use super::schemas::PRECONDITION_FAILED;
use crate::error::ApiError;
use crate::http::body::{BODY_TIMEOUT, MAX_BODY_BYTES, MEDIA_TYPE_RULE};
use crate::http::etag::ENTITY_TAGS_RULE;
use crate::http::unknown::unknown;
use crate::todos::errors::precondition_failed;
use crate::todos::params::{ALL_RULE, limit_rule};

/// Adds to every operation the errors that it can answer with, and to every answer the header `X-Request-ID`.
pub(super) struct Errors;

/// An error as an example: its name, and when it happens.
type Example = (&'static str, &'static str, ApiError);

impl Modify for Errors {
    fn modify(&self, document: &mut OpenApi) {
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            add_errors(operation);
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response {
                    add_request_id(response);
                }
            }
        }
    }
}

fn add_errors(operation: &mut Operation) {
    let mut by_status = BTreeMap::<StatusCode, Vec<Example>>::new();
    for example in examples(operation) {
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

/// What an operation can answer with follows from what it takes.
fn examples(operation: &Operation) -> Vec<Example> {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let takes = |name: &str| {
        parameters
            .iter()
            .any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == name))
    };
    let id = operation.operation_id.as_deref().unwrap_or_default();
    // Operations for nobody in particular say so.
    let needs_caller = operation.security.is_none();
    let mut examples = Vec::new();
    if needs_caller {
        examples.push((
            "missing_user",
            "The header `X-User-ID` is missing or empty.",
            ApiError::MissingUser,
        ));
        examples.push(("invalid_user", "`X-User-ID` is not one UUID.", ApiError::InvalidUserId));
        examples.push(internal());
    }
    if takes("todo_id") {
        examples.push(("invalid_id", "`todo_id` is not a UUID.", ApiError::InvalidTodoId));
        if id != "putTodo" {
            examples.push((
                "not_found",
                "The caller has no such todo; whether another user has is not told.",
                ApiError::TodoNotFound,
            ));
        }
    }
    if takes("If-Match") {
        examples.push((
            "invalid_condition",
            "A conditional header cannot be understood.",
            ApiError::InvalidPrecondition { header: "If-Match", message: ENTITY_TAGS_RULE },
        ));
        examples.push((
            "another_version",
            "The condition does not hold. Nothing was changed; `current` is the todo as it stands.",
            precondition_failed(Some(&todo(4, false))),
        ));
    }
    if id == "putTodo" {
        examples.push((
            "gone",
            "The condition asks for a todo that is not there.",
            precondition_failed(None),
        ));
    }
    if operation.request_body.is_some() {
        examples.extend(body_examples(id));
    }
    if takes("limit") {
        examples.push((
            "invalid_query",
            "A query parameter is unknown or breaks a rule; every bad one is named.",
            ApiError::field("limit", limit_rule()),
        ));
    } else if needs_caller && !takes("all") {
        let mut known = parameters.iter().filter_map(query_name).collect::<Vec<_>>();
        known.sort_unstable();
        examples.push((
            "unknown_parameter",
            "A query parameter is unknown or breaks a rule; every bad one is named.",
            ApiError::Invalid(vec![unknown("completed", &known)]),
        ));
    }
    if takes("all") {
        examples.push((
            "no_filter",
            "Neither a filter nor `all=true` is given, or both, or a query parameter is unknown or breaks a rule.",
            ApiError::field("all", ALL_RULE),
        ));
    }
    if id != "health" {
        examples.push((
            "unavailable",
            "The database is away, overloaded or too slow. Try again after the seconds in `Retry-After`.",
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

/// What can be wrong with a body.
fn body_examples(operation_id: &str) -> [Example; 5] {
    let field = if operation_id == "updateTodos" { "is_completed" } else { "title" };
    [
        (
            "invalid_body",
            "The body is not a JSON object or breaks a rule; every bad field is named.",
            ApiError::field(field, "is required"),
        ),
        (
            "unknown_field",
            "The body has a field that is not known.",
            ApiError::Invalid(vec![unknown("completed", &["is_completed"])]),
        ),
        (
            "too_large",
            "The body is over 64 KiB.",
            ApiError::PayloadTooLarge { limit: MAX_BODY_BYTES },
        ),
        ("too_slow", "The body did not arrive in time.", ApiError::BodyTimeout(BODY_TIMEOUT)),
        (
            "not_json",
            "The body is of another media type, or compressed.",
            ApiError::UnsupportedMediaType(MEDIA_TYPE_RULE),
        ),
    ]
}

fn internal() -> Example {
    (
        "unexpected",
        "A defect of the server; its log tells more under `request_id`.",
        ApiError::Internal("".into()),
    )
}

fn response(schema: &str, examples: Vec<Example>) -> Response {
    let description = examples.iter().map(|(_, when, _)| *when).collect::<Vec<_>>().join(" Or: ");
    let headers = examples.iter().filter_map(|(_, _, error)| headers(error)).collect::<Vec<_>>();
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

/// What an error says in its headers.
fn headers(error: &ApiError) -> Option<(&'static str, ObjectBuilder, &'static str)> {
    match error {
        ApiError::Unavailable(_) => {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
            Some(("Retry-After", seconds, "After how many seconds to try again."))
        }
        ApiError::PreconditionFailed { current: Some(_) } => {
            let tag = ObjectBuilder::new().schema_type(Type::String);
            Some(("ETag", tag, "The version of `current`, in quotes. Absent when there is none."))
        }
        _ => None,
    }
}

fn add_request_id(response: &mut Response) {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    let description = "The id of the request: the client's own, or one made by the server.";
    add_header(response, "X-Request-ID", schema, description);
}

fn add_header(response: &mut Response, name: &str, schema: ObjectBuilder, description: &str) {
    let header = HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build();
    response.headers.insert(name.to_owned(), header.into());
}
