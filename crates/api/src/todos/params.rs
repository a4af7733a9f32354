//! The query parameters of lists, counters and bulk calls.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use todo_domain::{Position, SearchTerm, Sort, SortKey, TodoFilter, TodoId, UserId};
use utoipa::{IntoParams, ToSchema};

use super::cursor::{self, ListIdentity};
use crate::error::{ApiError, UUID_RULE};
use crate::http::caller::{Extracting, identified};
use crate::http::query::{Query, QueryPairs};
use crate::http::routing::parse_uuid;

/// The maximum number of todos on a page.
pub const MAX_LIMIT: u32 = 200;

/// The error message for an invalid `limit`.
#[must_use]
pub fn limit_rule(max: u32) -> String {
    format!("must be a whole number from 1 to {max}")
}

/// The maximum number of ids in a filter.
pub const MAX_IDS: usize = 200;

/// The error message for a missing `all`.
pub const ALL_RULE: &str = "must be true when no filter (id, is_completed, q) is given";

/// The error message for `all=true` together with a filter.
const NOT_ALL_RULE: &str =
    "must not be true together with a filter (id, is_completed, q); omit one of them";

/// The order of a list; `-` means descending. Ties are broken by ID, in the same direction.
#[derive(ToSchema)]
pub enum SortOrder {
    /// Newest first.
    #[schema(rename = "-created_at")]
    NewestFirst,
    /// Oldest first.
    #[schema(rename = "created_at")]
    OldestFirst,
    /// Most recently changed first.
    #[schema(rename = "-updated_at")]
    LastChangedFirst,
    /// Least recently changed first.
    #[schema(rename = "updated_at")]
    FirstChangedFirst,
}

/// The filters of lists, counters and bulk calls. Todos must match all of them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described, never constructed")]
pub struct FilterParams {
    /// Only todos that are completed (true) or active (false).
    #[param(required = false)]
    is_completed: bool,
    /// Only todos whose title or description contains this text. The search ignores case, and treats composed and
    /// decomposed letters as equal. `%` and `_` are ordinary characters. An empty text is no filter.
    #[param(required = false, max_length = 255, pattern = r"^[^\x00]*$")]
    q: String,
    /// Only todos with these IDs, at most 200: `id=…&id=…`.
    #[param(required = false, style = Form, explode, max_items = 200)]
    id: Vec<uuid::Uuid>,
}

/// The page and the order of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described, never constructed")]
pub struct PageParams {
    /// The maximum number of todos on a page. Without it, the response contains all todos.
    #[param(required = false, minimum = 1, maximum = 200)]
    limit: u32,
    /// The `next_cursor` of the previous page; omitted or empty for the first page. A cursor is only valid with the
    /// `sort` and filters it came from.
    #[param(required = false, max_length = 64)]
    cursor: String,
    /// The order of the todos; `-` means descending. Ties are broken by ID, in the same direction.
    #[param(required = false, inline)]
    sort: SortOrder,
}

/// The parameter that bulk calls without a filter require.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described, never constructed")]
pub struct AllParams {
    /// Send `true`, without any filter, to select all todos. It cannot be combined with a filter.
    #[param(required = false)]
    all: bool,
}

/// The parameters of a list.
#[derive(Debug)]
pub struct ListRequest {
    /// The caller.
    pub user: UserId,
    /// Which todos to list.
    pub filter: TodoFilter,
    /// Their order.
    pub sort: Sort,
    /// The position after which the page begins.
    pub after: Option<Position>,
    /// The maximum number of todos; `None` for all.
    pub limit: Option<u32>,
    /// All parameters as they were given, for the link to the next page.
    pub pairs: QueryPairs,
}

impl ListRequest {
    fn parse(request: &HttpRequest, user: UserId) -> Result<Self, ApiError> {
        let mut query = Query::parse(request);
        let filter = read_filter(&mut query);
        let sort = query.read("sort", parse_sort).unwrap_or_default();
        let limit = query.read("limit", |text| parse_limit(text, MAX_LIMIT));
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
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        identified(request, |request, identity| Self::parse(request, identity.user))
    }
}

/// The parameters of the counters.
#[derive(Debug)]
pub struct FilterRequest(pub TodoFilter);

impl FromRequest for FilterRequest {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut query = Query::parse(request);
        let filter = read_filter(&mut query);
        ready(query.finish().map(|_| Self(filter)))
    }
}

/// The parameters of a bulk call: a filter, or `all=true`.
#[derive(Debug)]
pub struct BulkRequest(pub TodoFilter);

impl FromRequest for BulkRequest {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut query = Query::parse(request);
        let filter = read_filter(&mut query);
        let all = query.read_bool("all").unwrap_or_default();
        // An invalid filter is already an error, and still counts as a filter.
        if query.is_valid() && all != filter.is_everything() {
            query.add_error("all", if all { NOT_ALL_RULE } else { ALL_RULE });
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

/// Reads the ids. They are sorted, so that a cursor remains valid whatever their order.
fn read_ids(query: &mut Query) -> Vec<TodoId> {
    let too_many = format!("must be given at most {MAX_IDS} times");
    let mut ids = query.read_all("id", MAX_IDS, &too_many, |id| {
        parse_uuid(id.as_bytes()).map(TodoId).ok_or(UUID_RULE)
    });
    ids.sort_unstable();
    ids.dedup();
    ids
}

pub(super) fn parse_limit(text: &str, max: u32) -> Result<u32, String> {
    // Only digits: `parse` also accepts a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text);
    digits
        .and_then(|digits| digits.parse().ok())
        .filter(|limit| (1..=max).contains(limit))
        .ok_or_else(|| limit_rule(max))
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
