//! The API description (OpenAPI 3.1), generated from the handlers and the error table.

mod errors;
mod examples;
mod order;
mod schemas;

use utoipa::OpenApi;
use utoipa::openapi::info::ContactBuilder;
use utoipa::openapi::path::{Operation, PathItem};

use self::errors::Errors;
use self::examples::Examples;
use self::order::Order;
use self::schemas::Schemas;
use crate::error::ErrorResponse;
use crate::http::caller::CallerScheme;
use crate::{health, todos};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Todo API",
        description = "Todos, each user's own.\n\n\
            The header `X-User-ID` names the caller, and is believed: there is no authentication yet. Every answer carries \
            `X-Request-ID`. Every error has one shape, `ErrorResponse`, and the media type \
            `application/problem+json`; branch on its `error_code`. After a 503, try again after the seconds in \
            `Retry-After`: a create may have been made although its answer was lost, so use `putTodo` where that \
            matters.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "todos", description = "The caller's todos."),
        (name = "health", description = "For what runs the service.")
    ),
    paths(
        todos::create::create_todo,
        todos::list::list_todos,
        todos::bulk::update_todos,
        todos::bulk::delete_todos,
        todos::stats::todo_stats,
        todos::get::get_todo,
        todos::put::put_todo,
        todos::update::update_todo,
        todos::delete::delete_todo,
        health::health,
        health::ready
    ),
    components(schemas(ErrorResponse)),
    modifiers(&CallerScheme, &Schemas, &Errors, &Examples, &Order)
)]
struct Description;

/// The API description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Description::openapi();
    // Not the authors of the code: who to ask is known where the server runs.
    let operator = ContactBuilder::new().name(Some("The operator of this server"));
    document.info.contact = Some(operator.build());
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        operation.description = operation.description.take().and_then(|text| without_errors(&text));
    }
    document
}

/// A handler's doc comment without its section on errors, which is for readers of the code.
fn without_errors(text: &str) -> Option<String> {
    let text = text.split("# Errors").next().unwrap_or_default().trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.put, &mut path.post, &mut path.patch, &mut path.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}

/// The API description as the JSON that is served and committed.
#[must_use]
pub fn json() -> String {
    json_with(None)
}

/// The same, with a note at the end of its introduction.
#[must_use]
pub fn json_with(note: Option<&str>) -> String {
    let mut document = document();
    if let (Some(introduction), Some(note)) = (&mut document.info.description, note) {
        introduction.push_str("\n\n");
        introduction.push_str(note);
    }
    // A tree of maps and strings always can be written.
    let mut json = document.to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}
