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
/// The server makes its id. To make the id yourself, so that a call can be repeated without making a second
/// todo, use `putTodo`.
///
/// # Errors
/// As the API description says.
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
            ("Location" = String, description = "Where the todo is."),
            ("ETag" = String, description = "Its version, in quotes.")
        )
    ))
)]
pub async fn create_todo(
    Caller(user): Caller,
    _: NoQuery,
    JsonBody(body): JsonBody<TodoCreate>,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let (title, description, is_completed) = body.into_parts()?;
    let todo = service.create(user, title, description, is_completed).await?;
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, format!("{TODOS_PATH}/{}", todo.id)));
    Ok(json::respond(response, &todo))
}
