//! `PUT /api/v1/todos/{todo_id}`

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use todo_domain::TodoService;
use todo_domain::service::Put;

use super::TODOS_PATH;
use super::dto::{TodoPut, TodoRead};
use super::json;
use crate::error::ApiError;
use crate::http::body::JsonBody;
use crate::http::caller::Caller;
use crate::http::etag::{Conditions, IfMatchHeader, UnlessMatchHeader};
use crate::http::query::NoQuery;
use crate::http::routing::TodoPath;

/// Create or replace a todo
///
/// Under an id that the client makes. Sent twice, it leaves one todo, and the second time changes nothing: an
/// offline client, or one whose answer got lost, repeats it without harm. Users do not get into each other's
/// way: the same id used by two makes two todos. `If-None-Match: *` only creates; `If-Match` only replaces, and
/// only the version that it names; otherwise the answer is 412 and nothing is changed.
///
/// # Errors
/// As the API description says.
#[utoipa::path(
    put,
    path = "/api/v1/todos/{todo_id}",
    operation_id = "putTodo",
    tag = "todos",
    params(TodoPath, IfMatchHeader, UnlessMatchHeader),
    request_body(content = TodoPut),
    responses(
        (
            status = 200,
            description = "The todo was there, and is now as sent.",
            body = TodoRead,
            headers(("ETag" = String, description = "Its version, in quotes."))
        ),
        (
            status = 201,
            description = "The todo was created.",
            body = TodoRead,
            headers(
                ("Location" = String, description = "Where the todo is."),
                ("ETag" = String, description = "Its version, in quotes.")
            )
        )
    )
)]
pub async fn put_todo(
    Caller(user): Caller,
    path: TodoPath,
    conditions: Conditions,
    _: NoQuery,
    JsonBody(body): JsonBody<TodoPut>,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let todo = body.into_new_todo(path.todo_id)?;
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
