//! `POST /api/v1/todos`

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use todo_domain::TodoService;

use super::TODOS_PATH;
use super::dto::{TodoCreate, TodoRead};
use super::json;
use crate::error::ApiError;
use crate::http::body::JsonBody;
use crate::http::caller::Caller;
use crate::http::query::NoQuery;

/// Create a todo
///
/// The server generates the ID. To generate it in the client, so that the call can be retried without creating a second
/// todo, use `putTodo`.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    post,
    path = "/api/v1/todos",
    operation_id = "createTodo",
    tag = "todos",
    request_body(content = TodoCreate),
    responses((
        status = 201,
        description = "The todo was created.",
        body = TodoRead,
        headers(
            ("Location" = String, description = "The URL of the todo."),
            ("ETag" = String, description = "The version of the todo, in quotes.")
        )
    ))
)]
pub async fn create_todo(
    Caller(user): Caller,
    _: NoQuery,
    JsonBody(body): JsonBody<TodoCreate>,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let (title, others) = body.into_parts()?;
    let todo = service.create(user, title, others).await?;
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, format!("{TODOS_PATH}/{}", todo.id)));
    Ok(json::respond(response, &todo))
}
