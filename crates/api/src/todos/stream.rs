//! A list of any length, in bounded memory: a part of it is read and written when the client has taken the part before,
//! with no connection to the database held in between, however slowly it reads.

use std::sync::Arc;

use actix_web::web::Bytes;
use futures_util::stream::{self, Stream, TryStreamExt};
use todo_domain::{Page, PageQuery, Position, TodoService, UserId};

use super::json;
use super::open_lists::OpenList;
use crate::error::ApiError;
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

/// What has been written last.
pub struct Written {
    /// The text.
    pub text: Vec<u8>,
    /// How many todos are in it.
    pub todos: usize,
    /// The last of them.
    pub last: Position,
}

/// How far a list has been written.
enum Progress {
    Begun(Written),
    After {
        last: Position,
        /// How many todos in all.
        count: usize,
        /// How many to read next.
        rows: u32,
    },
    Ended,
}

impl LongList {
    /// The body, from its first part on.
    ///
    /// When a later part cannot be read, the stream ends with an error, and the connection is cut: a list that
    /// ended early would look whole.
    pub fn body(self, first: Written) -> impl Stream<Item = Result<Bytes, ApiError>> {
        let list = Arc::new(self);
        let parts = stream::try_unfold(Progress::Begun(first), move |progress| {
            let list = Arc::clone(&list);
            async move {
                match progress {
                    Progress::Begun(written) => Ok(Some(written.then(0))),
                    Progress::After { last, count, rows } => {
                        list.part(last, count, rows).await.map(Some)
                    }
                    Progress::Ended => Ok(None),
                }
            }
        });
        parts.map_ok(|part| stream::iter(pieces(part).map(Ok))).try_flatten()
    }

    /// The next part.
    async fn part(
        &self,
        after: Position,
        count: usize,
        rows: u32,
    ) -> Result<(Bytes, Progress), ApiError> {
        let query = PageQuery { after: Some(after), limit: rows, ..self.query.clone() };
        let sort = query.sort;
        let Page { mut items, mut next } =
            self.service.list(self.user, query).await.map_err(|error| {
                let request_id = self.request_id.as_ref().map(RequestId::as_str);
                tracing::error!(request_id, %error, count, "a list was cut off");
                ApiError::from(error)
            })?;
        if let Some((end, _)) = self.end {
            let read = items.len();
            items.truncate(
                items.partition_point(|it| sort.compare(sort.position_of(it), end).is_le()),
            );
            next = next.filter(|last| items.len() == read && *last != end);
        }
        let mut text = Vec::new();
        let todos = json::push_todos(&mut text, &items, count, PART);
        let is_all = todos == items.len() && next.is_none();
        match items[..todos].last() {
            Some(last) if !is_all => {
                Ok(Written { text, todos, last: sort.position_of(last) }.then(count))
            }
            _ => {
                let next_cursor = self.end.as_ref().and_then(|(_, cursor)| cursor.as_deref());
                json::end_list(&mut text, count + todos, next_cursor);
                Ok((Bytes::from(text), Progress::Ended))
            }
        }
    }
}

impl Written {
    /// This, after so many other todos, and what follows.
    fn then(self, before: usize) -> (Bytes, Progress) {
        let Self { text, todos, last } = self;
        // As many as fill a part if they are as long as these; but not many more, for they may be longer.
        let rows = (todos * PART / text.len().max(1)).clamp(1, ROWS).min(4 * todos);
        let rows = u32::try_from(rows).unwrap_or(1);
        (Bytes::from(text), Progress::After { last, count: before + todos, rows })
    }
}
