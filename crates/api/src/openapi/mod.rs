//! The OpenAPI 3.1 document, generated from the handlers and errors.

mod error_examples;
mod errors;
mod examples;
mod order;
mod schemas;

use utoipa::openapi::info::ContactBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::{Modify, OpenApi};

use self::errors::Errors;
use self::examples::Examples;
use self::order::Order;
use self::schemas::Schemas;
use crate::error::ErrorResponse;
use crate::http::caller::CallerScheme;
use crate::identity::AuthMode;
use crate::{health, me, tags, todos};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Todo API",
        description = "Manage the todos of each user.\n\n\
            @CALLER@ Every response has the header `X-Request-ID`. All errors have the media type `application/problem+json` and the \
            same format, `ErrorResponse`; branch on `error_code`. If the server limits the requests of each user, every \
            response to a user has the headers `RateLimit` and `RateLimit-Policy`, and too many requests fail with 429. \
            After a 429 or a 503, retry after the seconds in `Retry-After`. \
            A request that failed with 503 may still have been carried out, so create todos with `putTodo` if a retry must not create \
            a second one.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "todos", description = "The caller's todos."),
        (name = "tags", description = "The tags of the caller's todos."),
        (name = "caller", description = "Who the caller is."),
        (name = "health", description = "Health checks for load balancers and process managers.")
    ),
    paths(
        todos::create::create_todo,
        todos::list::list_todos,
        todos::changes::list_changes,
        todos::bulk::update_todos,
        todos::bulk::delete_todos,
        todos::stats::todo_stats,
        todos::events::stream_events,
        todos::get::get_todo,
        todos::put::put_todo,
        todos::update::update_todo,
        todos::delete::delete_todo,
        tags::list_tags,
        tags::rename_tag,
        tags::delete_tag,
        me::who_am_i,
        health::health,
        health::ready
    ),
    components(schemas(ErrorResponse))
)]
struct Description;

/// How the caller is identified, in the introduction.
const INTRODUCTION: &str = "@CALLER@";
const BY_HEADER: &str =
    "The header `X-User-ID` identifies the caller. This server does not verify it.";
const BY_TOKEN: &str = "A bearer token in the header `Authorization` identifies the caller. After a 401 with `TOKEN_EXPIRED`, renew the token \
     and repeat the request.";

/// The OpenAPI document of a server that identifies its callers in this way.
#[must_use]
pub fn document(mode: AuthMode) -> utoipa::openapi::OpenApi {
    let mut document = Description::openapi();
    let modifiers: [&dyn Modify; 5] =
        [&CallerScheme(mode), &Schemas, &Errors(mode), &Examples, &Order];
    for modifier in modifiers {
        modifier.modify(&mut document);
    }
    if let Some(introduction) = &mut document.info.description {
        let caller = match mode {
            AuthMode::Header => BY_HEADER,
            AuthMode::Jwt => BY_TOKEN,
        };
        *introduction = introduction.replace(INTRODUCTION, caller);
    }
    // Users of the API should ask its operator, not the authors of the code.
    let operator = ContactBuilder::new().name(Some("The operator of this server"));
    document.info.contact = Some(operator.build());
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        operation.description = operation.description.take().and_then(|text| without_errors(&text));
    }
    document
}

/// Removes the section on errors from a handler's doc comment, because it is for readers of the code.
fn without_errors(text: &str) -> Option<String> {
    let text = text.split("# Errors").next().unwrap_or_default().trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.put, &mut path.post, &mut path.patch, &mut path.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}

/// The OpenAPI document as JSON, as it is committed and served.
#[must_use]
pub fn json(mode: AuthMode) -> String {
    json_with(mode, None)
}

/// The same, with a note, in Markdown, appended to its introduction.
#[must_use]
pub fn json_with(mode: AuthMode, note: Option<&str>) -> String {
    let mut document = document(mode);
    if let (Some(introduction), Some(note)) = (&mut document.info.description, note) {
        introduction.push_str("\n\n");
        introduction.push_str(note);
    }
    // Maps and strings can always be serialized.
    let mut json = document.to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}
