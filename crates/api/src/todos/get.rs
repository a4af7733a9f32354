//! `GET /api/v1/todos/{todo_id}`

use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, web};
use todo_domain::TodoService;

use super::dto::TodoRead;
use super::errors::precondition_failed;
use super::json;
use crate::error::ApiError;
use crate::http::caller::Caller;
use crate::http::etag::{Conditions, IfMatchHeader, IfNoneMatchHeader, Reading, etag};
use crate::http::query::NoQuery;
use crate::http::routing::TodoPath;

/// Get a todo
///
/// With the `ETag` of an earlier answer in `If-None-Match`, an unchanged todo is answered by 304 without a body. With
/// `If-Match`, a todo of another version is answered by 412.
///
/// # Errors
/// As the API description says.
#[utoipa::path(
    get,
    path = "/api/v1/todos/{todo_id}",
    operation_id = "getTodo",
    tag = "todos",
    params(TodoPath, IfMatchHeader, IfNoneMatchHeader),
    responses(
        (
            status = 200,
            description = "The todo.",
            body = TodoRead,
            headers(("ETag" = String, description = "Its version, in quotes."))
        ),
        (
            status = 304,
            description = "The todo still has the ETag in `If-None-Match`.",
            headers(("ETag" = String, description = "Its version, in quotes."))
        )
    )
)]
pub async fn get_todo(
    Caller(user): Caller,
    path: TodoPath,
    conditions: Conditions,
    _: NoQuery,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let todo = service.get(user, path.todo_id).await?;
    match conditions.read(todo.version) {
        Reading::Send => Ok(json::respond(HttpResponse::Ok(), &todo)),
        Reading::NotModified => {
            Ok(HttpResponse::NotModified().insert_header((ETAG, etag(todo.version))).finish())
        }
        Reading::Failed => Err(precondition_failed(Some(&todo))),
    }
}
