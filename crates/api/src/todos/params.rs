//! The query parameters of lists, counters and bulk calls.

mod filter;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use todo_domain::{Moment, Position, Sort, SortKey, TodoFilter, UserId};
use utoipa::{IntoParams, ToSchema};

pub use self::filter::{ALL_RULE, FilterParams, MAX_IDS};
use self::filter::{NOT_ALL_RULE, parse_instant, read_filter};
use super::cursor::{self, ListIdentity};
use crate::error::ApiError;
use crate::http::caller::{Extracting, identified};
use crate::http::query::{Query, QueryPairs};

/// The maximum number of todos on a page.
pub const MAX_LIMIT: u32 = 200;

/// The error message for an invalid `limit`.
#[must_use]
pub fn limit_rule(max: u32) -> String {
    format!("must be a whole number from 1 to {max}")
}

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
    /// Due first comes first; a date at the end of its day in UTC. Todos without a due time come last.
    #[schema(rename = "due")]
    FirstDueFirst,
    /// Due last comes first. Todos without a due time come last.
    #[schema(rename = "-due")]
    LastDueFirst,
    /// Most important first.
    #[schema(rename = "-priority")]
    MostImportantFirst,
    /// Least important first.
    #[schema(rename = "priority")]
    LeastImportantFirst,
    /// By title, without regard to case, in the order of Unicode's code points.
    #[schema(rename = "title")]
    ByTitle,
    /// The reverse of that.
    #[schema(rename = "-title")]
    ByTitleDescending,
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
    #[param(required = false, max_length = 4200)]
    cursor: String,
    /// The order of the todos; `-` means descending. Ties are broken by ID, in the same direction. Todos without a due time
    /// come last by `due` and by `-due`. Priorities are ordered by importance: `-priority` begins with high. Titles are
    /// compared without regard to case, code point by code point.
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

/// The time with which the counters compare due times.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described, never constructed")]
pub struct NowParams {
    /// The present, as an instant with the offset of the client: a date is overdue when its day has ended there. In a URL,
    /// the `+` of an offset is written `%2B`. By default, the server's clock in UTC.
    #[param(required = false, format = DateTime)]
    now: String,
}

/// The parameters of the counters.
#[derive(Debug)]
pub struct StatsRequest {
    /// Which todos to count.
    pub filter: TodoFilter,
    /// The present of the client.
    pub now: Option<Moment>,
}

impl FromRequest for StatsRequest {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut query = Query::parse(request);
        let filter = read_filter(&mut query);
        let now = query.read("now", parse_instant);
        ready(query.finish().map(|_| Self { filter, now }))
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

pub(super) fn parse_limit(text: &str, max: u32) -> Result<u32, String> {
    // Only digits: `parse` also accepts a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text);
    digits
        .and_then(|digits| digits.parse().ok())
        .filter(|limit| (1..=max).contains(limit))
        .ok_or_else(|| limit_rule(max))
}

/// The orders by name, without the `-` of descending ones.
const SORT_KEYS: [(&str, SortKey); 5] = [
    ("created_at", SortKey::CreatedAt),
    ("updated_at", SortKey::UpdatedAt),
    ("due", SortKey::Due),
    ("priority", SortKey::Priority),
    ("title", SortKey::Title),
];

fn parse_sort(text: &str) -> Result<Sort, &'static str> {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |key| (key, true));
    let key = SORT_KEYS.iter().find(|(it, _)| *it == name).map(|(_, key)| *key);
    key.map(|key| Sort { key, descending }).ok_or(
        "must be created_at, updated_at, due, priority or title, or one of these after a - for descending",
    )
}
