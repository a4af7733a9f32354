//! A list of any length, in bounded memory: a part of it is read and written when the client has taken the part before,
//! with no connection to the database held in between, however slowly it reads.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use todo_domain::{Page, PageQuery, Position, TodoService, UserId};
use tokio::time::sleep;

use super::json;
use super::open_lists::OpenList;
use crate::error::ApiError;
use crate::http::envelope::causes;
use crate::http::pieces::pieces;
use crate::http::request_id::RequestId;

/// How many todos are read at first. Few users have more, and small pages of many users are read together.
pub const FIRST_ROWS: u32 = 100;

/// How many todos are read at a time after these, if they are short.
const ROWS: usize = 500;

/// A list of no more bytes, about, is sent as it is: for the usual page of 200 todos nothing has to be read twice.
pub const AT_ONCE: usize = 128 * 1024;

/// How many bytes of a longer list are in memory at a time, about.
const PART: usize = 64 * 1024;

/// How often a part is asked for again, and after how long: as long as a client waits that gets a 503.
const RETRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// A list that has been begun, and is too long to be sent at once.
pub struct LongList {
    /// Where the todos come from.
    pub service: Arc<TodoService>,
    /// Whose they are.
    pub user: UserId,
    /// Which of them, in which order.
    pub query: PageQuery,
    /// For a page: its last todo, and the cursor of the next.
    pub end: Option<(Position, Option<String>)>,
    /// For the log.
    pub request_id: Option<RequestId>,
    /// Its place among the lists that are being sent.
    pub place: OpenList,
}

/// Where the next part begins.
struct Next {
    after: Position,
    /// After how many todos.
    count: usize,
    /// How many to read.
    rows: u32,
}

impl LongList {
    /// The body of the list of which this is the first page.
    ///
    /// When a later part cannot be read, the stream ends with an error, and the connection is cut: a list that
    /// ended early would look whole.
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
            .map_ok(|text| stream::iter(pieces(text).map(Ok)))
            .try_flatten()
    }

    /// Reads what comes next. While the database is away or overloaded it is asked again, because a list that has
    /// been begun cannot be answered by 503 any more.
    async fn read(&self, next: &Next) -> Result<Page, ApiError> {
        let query = PageQuery { after: Some(next.after), limit: next.rows, ..self.query.clone() };
        let mut retries = 0;
        loop {
            let error = match self.service.list(self.user, query.clone()).await {
                Ok(page) => return Ok(page),
                Err(error) => ApiError::from(error),
            };
            if matches!(error, ApiError::Unavailable(_)) && retries < RETRIES {
                retries += 1;
                sleep(PAUSE).await;
                continue;
            }
            let request_id = self.request_id.as_ref().map(RequestId::as_str);
            let causes = causes(&error);
            tracing::error!(request_id, causes, count = next.count, "a list was cut off");
            return Err(error);
        }
    }

    /// As much of this page as makes a part, after so many todos; and what comes next.
    fn write(&self, page: Page, count: usize) -> (Bytes, Option<Next>) {
        let Page { mut items, mut next } = page;
        let sort = self.query.sort;
        if let Some((end, _)) = self.end {
            items.retain(|it| sort.compare(sort.position_of(it), end).is_le());
            next = next.filter(|last| sort.compare(*last, end).is_lt());
        }
        // Grown by doubling, it would take twice as much.
        let mut text = Vec::with_capacity(PART + json::LONGEST_TODO);
        let written = json::push_todos(&mut text, &items, count, PART);
        let count = count + written;
        match items[..written].last() {
            Some(last) if written < items.len() || next.is_some() => {
                // As many as fill a part if they are as long as these; but not many more, for they may be longer.
                let rows = (written * PART / text.len()).min(4 * written).clamp(1, ROWS);
                let rows = u32::try_from(rows).unwrap_or(1);
                let next = Next { after: sort.position_of(last), count, rows };
                (Bytes::from(text), Some(next))
            }
            _ => {
                let next_cursor = self.end.as_ref().and_then(|(_, cursor)| cursor.as_deref());
                json::end_list(&mut text, count, next_cursor);
                (Bytes::from(text), None)
            }
        }
    }
}
