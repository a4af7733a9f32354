//! `PUT /api/v1/todos/{todo_id}`

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use todo_domain::service::Put;
use todo_domain::{NewTodo, TodoService};

use super::TODOS_PATH;
use super::dto::{TodoPut, TodoRead};
use super::json;
use crate::error::ApiError;
use crate::http::body::JsonBody;
use crate::http::caller::Caller;
use crate::http::etag::WriteConditions;
use crate::http::query::NoQuery;
use crate::http::routing::TodoPath;

/// Create or replace a todo
///
/// Creates the todo under an ID that the client generates, or replaces it. The call is idempotent: a client that was
/// offline, or did not receive the response, can safely retry it. IDs are separate for each user: the same ID used by
/// two users identifies two todos. With `If-None-Match: *` the call only creates; with `If-Match` it only replaces one
/// of the listed versions. Otherwise it fails with 412 and changes nothing.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    put,
    path = "/api/v1/todos/{todo_id}",
    operation_id = "putTodo",
    tag = "todos",
    params(TodoPath, WriteConditions),
    request_body(content = TodoPut),
    responses(
        (
            status = 200,
            description = "The todo existed and was replaced.",
            body = TodoRead,
            headers(("ETag" = String, description = "The version of the todo, in quotes."))
        ),
        (
            status = 201,
            description = "The todo was created.",
            body = TodoRead,
            headers(
                ("Location" = String, description = "The URL of the todo."),
                ("ETag" = String, description = "The version of the todo, in quotes.")
            )
        )
    )
)]
pub async fn put_todo(
    Caller(user): Caller,
    path: TodoPath,
    conditions: WriteConditions,
    _: NoQuery,
    JsonBody(body): JsonBody<TodoPut>,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let (title, others) = body.into_parts()?;
    let todo = NewTodo::new(path.todo_id, title, others);
    let (response, todo) = match service.put(user, todo, conditions.put()).await? {
        Put::Created(todo) => {
            let mut response = HttpResponse::Created();
            response.insert_header((LOCATION, format!("{TODOS_PATH}/{}", todo.id)));
            (response, todo)
        }
        Put::Replaced(todo) => (HttpResponse::Ok(), todo),
    };
    Ok(json::respond(response, &todo))
}
