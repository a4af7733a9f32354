//! The query parameters of lists, and of changes of many todos at once.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use todo_domain::{Position, SearchTerm, Sort, SortKey, TodoFilter, TodoId, UserId};
use utoipa::{IntoParams, ToSchema};

use super::cursor::{self, ListIdentity};
use crate::error::{ApiError, UUID_RULE};
use crate::http::caller::Caller;
use crate::http::query::{Query, QueryPairs};
use crate::http::routing::parse_uuid;

/// The most todos that a page can have.
pub const MAX_LIMIT: u32 = 200;

/// What `limit` must be.
#[must_use]
pub fn limit_rule() -> String {
    format!("must be a whole number from 1 to {MAX_LIMIT}")
}

/// The most ids that a filter can have.
pub const MAX_IDS: usize = 200;

/// What `all` must be.
pub const ALL_RULE: &str = "must be true when no filter (id, is_completed, q) is given";

/// What `all` must not be.
const NOT_ALL_RULE: &str =
    "must not be true beside a filter (id, is_completed, q): leave one of them out";

/// The order of a list: `-` for descending. Ties are broken by id, in the same direction.
#[derive(ToSchema)]
pub enum SortOrder {
    /// The newest first.
    #[schema(rename = "-created_at")]
    NewestFirst,
    /// The oldest first.
    #[schema(rename = "created_at")]
    OldestFirst,
    /// The most recently changed first.
    #[schema(rename = "-updated_at")]
    LastChangedFirst,
    /// The least recently changed first.
    #[schema(rename = "updated_at")]
    FirstChangedFirst,
}

/// Which todos are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described, never made")]
pub struct FilterParams {
    /// Only todos that are (true) or are not (false) completed.
    #[param(required = false)]
    is_completed: bool,
    /// Only todos whose title or description holds this text, wherever, in whatever case; composed and
    /// decomposed letters are the same. `%` and `_` are ordinary characters. An empty text is no filter.
    #[param(required = false, max_length = 255, pattern = r"^[^\x00]*$")]
    q: String,
    /// Only todos of these ids, at most 200: `id=…&id=…`.
    #[param(required = false, style = Form, explode, max_items = 200)]
    id: Vec<uuid::Uuid>,
}

/// Which part of the list is wanted, in which order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described, never made")]
pub struct PageParams {
    /// At most so many todos. Without it the answer holds all of them, however many.
    #[param(required = false, minimum = 1, maximum = 200)]
    limit: u32,
    /// The `next_cursor` of the page before; left out or empty for the first page. It goes with the `sort` and the
    /// filters that it came from.
    #[param(required = false, max_length = 64)]
    cursor: String,
    /// The order.
    #[param(required = false, inline)]
    sort: SortOrder,
}

/// A change of everything has to be asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described, never made")]
pub struct AllParams {
    /// `true` when, without any filter, really all todos are to be changed. Beside a filter it is refused.
    #[param(required = false)]
    all: bool,
}

/// What a request wants listed.
#[derive(Debug)]
pub struct ListRequest {
    /// On whose behalf.
    pub user: UserId,
    /// Which todos.
    pub filter: TodoFilter,
    /// In which order.
    pub sort: Sort,
    /// From where on.
    pub after: Option<Position>,
    /// How many; `None` for all.
    pub limit: Option<u32>,
    /// All as it was given, for the link to the next page.
    pub pairs: QueryPairs,
}

impl ListRequest {
    fn of(request: &HttpRequest, user: UserId) -> Result<Self, ApiError> {
        let mut query = Query::of(request);
        let filter = read_filter(&mut query);
        let sort = query.read("sort", parse_sort).unwrap_or_default();
        let limit = query.read("limit", parse_limit);
        let list = ListIdentity { user, sort, filter: &filter };
        let after = query.read("cursor", |token| match token {
            "" => Ok(None),
            token => cursor::decode(list, token).map(Some).ok_or(
                "must be the next_cursor of a page of the same list, with the same sort and filters",
            ),
        });
        let after = after.flatten();
        let pairs = query.finish()?;
        Ok(Self { user, filter, sort, after, limit, pairs })
    }
}

impl FromRequest for ListRequest {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload).into_inner();
        ready(caller.and_then(|Caller(user)| Self::of(request, user)))
    }
}

/// Which todos a request wants counted.
#[derive(Debug)]
pub struct FilterRequest(pub TodoFilter);

impl FromRequest for FilterRequest {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut query = Query::of(request);
        let filter = read_filter(&mut query);
        ready(query.finish().map(|_| Self(filter)))
    }
}

/// Which todos a request wants changed at once: those that match a filter or, where that is asked for, all.
#[derive(Debug)]
pub struct ManyRequest(pub TodoFilter);

impl FromRequest for ManyRequest {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut query = Query::of(request);
        let filter = read_filter(&mut query);
        let all = query.read_bool("all").unwrap_or_default();
        // A filter that is wrong is a filter all the same.
        if query.is_sound() && all != filter.is_everything() {
            query.refuse("all", if all { NOT_ALL_RULE } else { ALL_RULE });
        }
        ready(query.finish().map(|_| Self(filter)))
    }
}

fn read_filter(query: &mut Query) -> TodoFilter {
    TodoFilter {
        is_completed: query.read_bool("is_completed"),
        search: query.read("q", SearchTerm::new).flatten(),
        ids: read_ids(query),
    }
}

/// Sorted, so that a cursor goes with them in any order.
fn read_ids(query: &mut Query) -> Vec<TodoId> {
    let too_many = format!("must be given at most {MAX_IDS} times");
    let mut ids = query.read_some("id", MAX_IDS, &too_many, |id| {
        parse_uuid(id.as_bytes()).map(TodoId).ok_or(UUID_RULE)
    });
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn parse_limit(text: &str) -> Result<u32, String> {
    // Only digits: `parse` alone would take a sign, too.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text);
    digits
        .and_then(|digits| digits.parse().ok())
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or_else(limit_rule)
}

fn parse_sort(text: &str) -> Result<Sort, &'static str> {
    let (key, descending) = text.strip_prefix('-').map_or((text, false), |key| (key, true));
    let key = match key {
        "created_at" => SortKey::CreatedAt,
        "updated_at" => SortKey::UpdatedAt,
        _ => return Err("must be -created_at, created_at, -updated_at or updated_at"),
    };
    Ok(Sort { key, descending })
}
