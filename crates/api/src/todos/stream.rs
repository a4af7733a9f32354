//! A list of any length, in bounded memory: read chunk by chunk, each after the one before has been sent, with no
//! connection to the database held in between, however slowly the client reads.

use std::sync::Arc;

use actix_web::web::Bytes;
use futures_util::stream::{self, Stream};
use todo_domain::{Page, PageQuery, TodoService, UserId};

use super::json;
use crate::error::ApiError;
use crate::http::request_id::RequestId;

/// How many todos are read at first. Few users have more, and small pages of many users are read together.
pub const FIRST_CHUNK: u32 = 100;

/// How many todos are read at a time after these.
const CHUNK: u32 = 500;

/// What is left to send.
enum Rest {
    /// This page, after so many todos.
    Page(Page, usize),
    /// The page after these parameters, after so many todos.
    Query(PageQuery, usize),
    Nothing,
}

/// The body of a [`TodoList`](super::dto::TodoList) without a limit, of which the first page has been read.
///
/// When a later page cannot be read, the stream ends with an error, and the connection is cut: a list that
/// ended early would look whole.
pub fn whole_list(
    service: Arc<TodoService>,
    user: UserId,
    query: PageQuery,
    first: Page,
    request_id: Option<RequestId>,
) -> impl Stream<Item = Result<Bytes, ApiError>> {
    stream::try_unfold(Rest::Page(first, 0), move |rest| {
        let (service, query, request_id) =
            (Arc::clone(&service), query.clone(), request_id.clone());
        async move {
            let (page, sent) = match rest {
                Rest::Nothing => return Ok(None),
                Rest::Page(page, sent) => (page, sent),
                Rest::Query(query, sent) => {
                    let page = service.list(user, query).await.map_err(|error| {
                        let request_id = request_id.as_ref().map(RequestId::as_str);
                        tracing::error!(request_id, %error, sent, "a list was cut off");
                        ApiError::from(error)
                    })?;
                    (page, sent)
                }
            };
            let next = page.next;
            let mut text = json::list_part(&page.items, sent);
            let sent = sent + page.items.len();
            if next.is_none() {
                json::end_list(&mut text, sent, None);
            }
            let rest = match next {
                Some(next) => {
                    Rest::Query(PageQuery { after: Some(next), limit: CHUNK, ..query }, sent)
                }
                None => Rest::Nothing,
            };
            Ok(Some((Bytes::from(text), rest)))
        }
    })
}
