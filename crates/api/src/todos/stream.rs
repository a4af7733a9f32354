//! Streams a list of any length in bounded memory: each part is read and serialized when the client has taken the
//! previous one. No database connection is held in between, however slow the client.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use todo_domain::{Page, PageQuery, Position, TodoService, UserId};
use tokio::time::sleep;

use super::json;
use super::stream_limit::StreamPermit;
use crate::error::ApiError;
use crate::http::chunks::chunks;
use crate::http::envelope::causes;
use crate::http::request_id::RequestId;

/// How many rows are read first. Few users have more todos, and small reads of several users are batched.
pub const FIRST_ROWS: u32 = 100;

/// The maximum number of rows that are read for a later part.
const MAX_ROWS: usize = 500;

/// The approximate length, in bytes, up to which a list is sent at once, without reading any rows twice. A usual page
/// of 200 todos is shorter.
pub const MAX_UNSTREAMED: usize = 128 * 1024;

/// The approximate length of a part, in bytes.
const PART_LENGTH: usize = 64 * 1024;

/// How often reading a part is retried.
const MAX_RETRIES: u32 = 5;
/// The delay before each retry, which is the `Retry-After` of a 503.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// A list that is too long to be sent at once.
pub struct LongList {
    /// The service that reads the todos.
    pub service: Arc<TodoService>,
    /// The owner of the todos.
    pub user: UserId,
    /// The filter and the order of the list.
    pub query: PageQuery,
    /// If this is a page, the position of its last todo and the cursor of the next page.
    pub page_end: Option<(Position, Option<String>)>,
    /// The id of the request, for the log.
    pub request_id: Option<RequestId>,
    /// The permit to stream it.
    pub permit: StreamPermit,
}

/// The next part to read.
struct NextPart {
    after: Position,
    /// The number of todos in the parts before.
    count: usize,
    /// The number of rows to read.
    rows: u32,
}

impl LongList {
    /// The body of the response; `first` contains the rows that have been read already.
    ///
    /// If a later part cannot be read, the stream ends with an error and the connection is cut, so that the truncated
    /// list does not look complete.
    pub fn body(self, first: Page) -> impl Stream<Item = Result<Bytes, ApiError>> {
        let (text, next) = self.write(first, 0);
        let list = Arc::new(self);
        let rest = stream::try_unfold(next, move |next| {
            let list = Arc::clone(&list);
            async move {
                let Some(next) = next else { return Ok(None) };
                let page = list.read(&next).await?;
                Ok(Some(list.write(page, next.count)))
            }
        });
        stream::iter([Ok::<_, ApiError>(text)])
            .chain(rest)
            .map_ok(|text| stream::iter(chunks(text).map(Ok)))
            .try_flatten()
    }

    /// Reads the next part. If the database is unavailable or overloaded, the read is retried, because the response has
    /// begun and can no longer be a 503.
    async fn read(&self, next: &NextPart) -> Result<Page, ApiError> {
        let query =
            PageQuery { after: Some(next.after.clone()), limit: next.rows, ..self.query.clone() };
        let mut retries = 0;
        loop {
            let error = match self.service.list(self.user, query.clone()).await {
                Ok(page) => return Ok(page),
                Err(error) => ApiError::from(error),
            };
            if matches!(error, ApiError::Unavailable(_)) && retries < MAX_RETRIES {
                retries += 1;
                sleep(RETRY_DELAY).await;
                continue;
            }
            let request_id = self.request_id.as_ref().map(RequestId::as_str);
            let trace_id = self.request_id.as_ref().and_then(RequestId::trace_id);
            let causes = causes(&error);
            tracing::error!(
                request_id,
                trace_id,
                causes,
                count = next.count,
                "a list was truncated"
            );
            return Err(error);
        }
    }

    /// Serializes as much of `page` as fits into a part, after `count` earlier todos. Also returns the next part to
    /// read.
    fn write(&self, page: Page, count: usize) -> (Bytes, Option<NextPart>) {
        let Page { mut items, mut next, .. } = page;
        let sort = self.query.sort;
        if let Some((end, _)) = &self.page_end {
            items.retain(|it| sort.compare(&sort.position_of(it), end).is_le());
            next = next.filter(|last| sort.compare(last, end).is_lt());
        }
        // Reserved in full, because growth by doubling could take twice as much memory.
        let mut text = Vec::with_capacity(PART_LENGTH + json::MAX_TODO_LENGTH);
        let written = json::push_todos(&mut text, &items, count, PART_LENGTH);
        let count = count + written;
        match items[..written].last() {
            Some(last) if written < items.len() || next.is_some() => {
                // As many rows as fill a part if they are as long as these, but at most four times as many, because
                // they may be longer.
                let rows = (written * PART_LENGTH / text.len()).min(4 * written);
                let rows = u32::try_from(rows.clamp(1, MAX_ROWS)).unwrap_or(1);
                let next = NextPart { after: sort.position_of(last), count, rows };
                (Bytes::from(text), Some(next))
            }
            _ => {
                let next_cursor = self.page_end.as_ref().and_then(|(_, cursor)| cursor.as_deref());
                json::end_list(&mut text, count, next_cursor);
                (Bytes::from(text), None)
            }
        }
    }
}
