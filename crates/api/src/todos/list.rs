//! `GET /api/v1/todos`

use actix_web::http::header::{ContentType, LINK};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use todo_domain::{PageQuery, TodoService};

use super::TODOS_PATH;
use super::cursor::{self, ListIdentity};
use super::dto::TodoList;
use super::json;
use super::open_lists::OpenLists;
use super::params::{FilterParams, ListRequest, PageParams};
use super::stream::{AT_ONCE, FIRST_ROWS, LongList};
use crate::error::ApiError;
use crate::http::request_id::RequestId;

/// List todos
///
/// The newest first, unless `sort` says otherwise. Without a `limit` the answer holds every todo that
/// matches the filters, however many. With it, `next_cursor` leads to the next page; the pages hold each todo that is
/// there throughout, and whose sort key does not change, exactly once, whatever is created or deleted in between.
///
/// # Errors
/// As the API description says.
#[utoipa::path(
    get,
    path = "/api/v1/todos",
    operation_id = "listTodos",
    tag = "todos",
    params(FilterParams, PageParams),
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
    open_lists: web::Data<OpenLists>,
) -> Result<HttpResponse, ApiError> {
    let ListRequest { user, filter, sort, after, limit, pairs } = list;
    let query = PageQuery { filter, sort, after, limit: limit.unwrap_or(FIRST_ROWS) };
    let page = service.list(user, query.clone()).await?;
    // Without a limit, what comes next is of the same answer.
    let goes_on = limit.is_none() && page.next.is_some();

    let mut response = HttpResponse::Ok();
    let next_cursor = page.next.filter(|_| !goes_on).map(|next| {
        let list = ListIdentity { user, sort, filter: &query.filter };
        cursor::encode(list, next)
    });
    if let Some(cursor) = &next_cursor {
        let next = pairs.with("cursor", cursor);
        response.insert_header((LINK, format!("<{TODOS_PATH}?{next}>; rel=\"next\"")));
    }
    response.content_type(ContentType::json());
    let mut text = Vec::new();
    let written = json::push_todos(&mut text, &page.items, 0, AT_ONCE);
    let Some(end) = page.items.last().filter(|_| goes_on || written < page.items.len()) else {
        json::end_list(&mut text, written, next_cursor.as_deref());
        return Ok(response.body(text));
    };
    // Written anew, in parts.
    drop(text);
    let list = LongList {
        end: (!goes_on).then(|| (sort.position_of(end), next_cursor)),
        request_id: request.extensions().get::<RequestId>().cloned(),
        place: open_lists.open(user)?,
        service: service.into_inner(),
        user,
        query,
    };
    Ok(response.streaming(list.body(page)))
}
