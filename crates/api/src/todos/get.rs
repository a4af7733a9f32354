//! `GET /api/v1/todos/{todo_id}`

use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, web};
use todo_domain::TodoService;

use super::dto::TodoRead;
use super::errors::precondition_failed;
use super::json;
use crate::error::ApiError;
use crate::http::caller::Caller;
use crate::http::etag::{ReadConditions, ReadOutcome, etag};
use crate::http::query::NoQuery;
use crate::http::routing::TodoPath;

/// Get a todo
///
/// If you already have the todo, send its `ETag` in `If-None-Match`: the response is a 304 without a body while the
/// todo has not changed. With `If-Match`, the request fails with 412 if the todo has another version.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    get,
    path = "/api/v1/todos/{todo_id}",
    operation_id = "getTodo",
    tag = "todos",
    params(TodoPath, ReadConditions),
    responses(
        (
            status = 200,
            description = "The todo.",
            body = TodoRead,
            headers(("ETag" = String, description = "The version of the todo, in quotes."))
        ),
        (
            status = 304,
            description = "The todo has not changed: it still has an ETag listed in `If-None-Match`.",
            headers(("ETag" = String, description = "The version of the todo, in quotes."))
        )
    )
)]
pub async fn get_todo(
    Caller(user): Caller,
    path: TodoPath,
    conditions: ReadConditions,
    _: NoQuery,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let todo = service.get(user, path.todo_id).await?;
    match conditions.outcome(todo.version) {
        ReadOutcome::Send => Ok(json::respond(HttpResponse::Ok(), &todo)),
        ReadOutcome::NotModified => {
            Ok(HttpResponse::NotModified().insert_header((ETAG, etag(todo.version))).finish())
        }
        ReadOutcome::PreconditionFailed => Err(precondition_failed(Some(&todo))),
    }
}
