//! `GET /api/v1/todos`

use actix_web::http::header::{ContentType, ETAG, LINK};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use todo_domain::{PageQuery, TodoService};

use super::TODOS_PATH;
use super::cursor::{self, ListIdentity};
use super::dto::TodoList;
use super::errors::precondition_failed;
use super::json;
use super::params::{FilterParams, ListRequest, PageParams};
use super::stream::{FIRST_ROWS, LongList, MAX_UNSTREAMED};
use super::stream_limit::StreamLimit;
use crate::error::ApiError;
use crate::http::etag::{ListConditions, ReadOutcome, list_etag};
use crate::http::request_id::RequestId;

/// List todos
///
/// Returns the todos that match the filters, newest first by default. Without a `limit`, the response contains all of
/// them, however many. With a `limit`, send `next_cursor` as `cursor` to get the next page. A todo that exists
/// throughout, and whose sort key does not change, appears on exactly one page, whatever is created or deleted in the
/// meantime.
///
/// Send the `ETag` of the response in `If-None-Match` when you ask again: the response is a 304 without a body while
/// none of the caller's todos has changed.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    get,
    path = "/api/v1/todos",
    operation_id = "listTodos",
    tag = "todos",
    params(FilterParams, PageParams, ListConditions),
    responses(
        (
            status = 200,
            description = "The todos.",
            body = TodoList,
            headers(
                (
                    "ETag" = String,
                    description = "A weak tag. It changes with every change of the caller's todos."
                ),
                (
                    "Link" = String,
                    description = "The URL of the next page, with `rel=\"next\"`. Absent on the last page."
                )
            )
        ),
        (
            status = 304,
            description = "None of the caller's todos has changed since the response with the ETag in `If-None-Match`.",
            headers(("ETag" = String, description = "The same tag."))
        )
    )
)]
pub async fn list_todos(
    request: HttpRequest,
    list: ListRequest,
    conditions: ListConditions,
    service: web::Data<TodoService>,
    stream_limit: web::Data<StreamLimit>,
) -> Result<HttpResponse, ApiError> {
    let ListRequest { user, filter, sort, after, limit, pairs } = list;
    if conditions.is_conditional() {
        let changed_at = service.changed_at(user).await?;
        match conditions.outcome(user, changed_at) {
            ReadOutcome::Send => {}
            ReadOutcome::NotModified => {
                let tag = (ETAG, list_etag(user, changed_at));
                return Ok(HttpResponse::NotModified().insert_header(tag).finish());
            }
            ReadOutcome::PreconditionFailed => return Err(precondition_failed(None)),
        }
    }
    let query = PageQuery { filter, sort, after, limit: limit.unwrap_or(FIRST_ROWS) };
    let page = service.list(user, query.clone()).await?;
    // Without a limit, the remaining todos are part of the same response.
    let has_more = limit.is_none() && page.next.is_some();

    let mut response = HttpResponse::Ok();
    response.insert_header((ETAG, list_etag(user, page.changed_at)));
    let next_cursor = page.next.as_ref().filter(|_| !has_more).map(|next| {
        let list = ListIdentity { user, sort, filter: &query.filter };
        cursor::encode(list, next)
    });
    if let Some(cursor) = &next_cursor {
        let next = pairs.with("cursor", cursor);
        response.insert_header((LINK, format!("<{TODOS_PATH}?{next}>; rel=\"next\"")));
    }
    response.content_type(ContentType::json());
    let mut text = Vec::new();
    let written = json::push_todos(&mut text, &page.items, 0, MAX_UNSTREAMED);
    let Some(last_todo) = page.items.last().filter(|_| has_more || written < page.items.len())
    else {
        json::end_list(&mut text, written, next_cursor.as_deref());
        return Ok(response.body(text));
    };
    // Too long to be sent at once: start again, and stream it in parts.
    drop(text);
    let list = LongList {
        page_end: (!has_more).then(|| (sort.position_of(last_todo), next_cursor)),
        request_id: request.extensions().get::<RequestId>().cloned(),
        permit: stream_limit.acquire(user)?,
        service: service.into_inner(),
        user,
        query,
    };
    Ok(response.streaming(list.body(page)))
}
