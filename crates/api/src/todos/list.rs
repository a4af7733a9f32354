//! `GET /api/v1/todos`

use actix_web::http::header::{ContentType, LINK};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use todo_domain::{PageQuery, TodoService};

use super::TODOS_PATH;
use super::cursor::{self, ListIdentity};
use super::dto::TodoList;
use super::json;
use super::params::{FilterParams, ListRequest, PageParams};
use super::stream::{self, FIRST_CHUNK};
use crate::error::ApiError;
use crate::http::caller::CallerHeader;
use crate::http::request_id::RequestId;

/// List todos
///
/// The newest first, unless `sort` says otherwise. Without a `limit` the answer holds every todo that the
/// filters mean, however many. With it, `next_cursor` leads to the next page; the pages hold each todo that is
/// there throughout exactly once, whatever is created or deleted meanwhile.
///
/// # Errors
/// As the API description says.
#[utoipa::path(
    get,
    path = "/api/v1/todos",
    operation_id = "listTodos",
    tag = "todos",
    params(CallerHeader, FilterParams, PageParams),
    responses((
        status = 200,
        description = "The todos.",
        body = TodoList,
        headers((
            "Link" = String,
            description = "With `rel=\"next\"`: where the next page is. Absent at the end."
        ))
    ))
)]
pub async fn list_todos(
    request: HttpRequest,
    list: ListRequest,
    service: web::Data<TodoService>,
) -> Result<HttpResponse, ApiError> {
    let ListRequest { user, filter, sort, after, limit, pairs } = list;
    let query = PageQuery { filter, sort, after, limit: limit.unwrap_or(FIRST_CHUNK) };
    let page = service.list(user, query.clone()).await?;

    let mut response = HttpResponse::Ok();
    let next_cursor = match (page.next, limit) {
        (Some(_), None) => {
            let request_id = request.extensions().get::<RequestId>().cloned();
            let body = stream::whole_list(service.into_inner(), user, query, page, request_id);
            return Ok(response.content_type(ContentType::json()).streaming(body));
        }
        (next, _) => next.map(|next| {
            let list = ListIdentity { user, sort, filter: &query.filter };
            cursor::encode(list, next)
        }),
    };
    if let Some(cursor) = &next_cursor {
        let next = pairs.with("cursor", cursor);
        response.insert_header((LINK, format!("<{TODOS_PATH}?{next}>; rel=\"next\"")));
    }
    let body = json::list(&page.items, next_cursor.as_deref());
    Ok(response.content_type(ContentType::json()).body(body))
}
