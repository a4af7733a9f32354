//! The filters of lists, counters and bulk calls.

use todo_domain::{DueBound, Moment, Priority, SearchTerm, Tag, Tags, TodoFilter, TodoId};
use utoipa::IntoParams;

use crate::error::UUID_RULE;
use crate::http::query::Query;
use crate::http::routing::parse_uuid;
use crate::todos::dto::fields::PRIORITY_RULE;
use crate::todos::dto::schemas::{MomentText, PriorityName, TagText};

/// The maximum number of ids in a filter.
pub const MAX_IDS: usize = 200;

/// The error message for a missing `all`.
pub const ALL_RULE: &str = "must be true when no filter is given (id, is_completed, priority, tag, due_before, due_after, has_due, q)";

/// The error message for `all=true` together with a filter.
pub(super) const NOT_ALL_RULE: &str = "must not be true together with a filter (id, is_completed, priority, tag, due_before, due_after, has_due, q); omit \
     one of them";

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
    /// Only todos with one of these priorities: `priority=medium&priority=high`.
    #[param(required = false, style = Form, explode, max_items = 3, inline)]
    priority: Vec<PriorityName>,
    /// Only todos with all of these tags, at most 20: `tag=…&tag=…`. Case and white space around a tag do not matter.
    #[param(required = false, style = Form, explode, max_items = 20, inline)]
    tag: Vec<TagText>,
    /// Only todos that are due before this date or instant. A date is due for its whole day, in the zone of the instant it
    /// is compared with, or in UTC: it is before an instant if its day has ended by then. In a URL, the `+` of an offset is
    /// written `%2B`.
    #[param(required = false, inline)]
    due_before: MomentText,
    /// Only todos that are due after this date or instant: a date, if its day begins later.
    #[param(required = false, inline)]
    due_after: MomentText,
    /// Only todos that have a due time (true) or none (false).
    #[param(required = false)]
    has_due: bool,
}

pub(super) fn read_filter(query: &mut Query) -> TodoFilter {
    TodoFilter {
        is_completed: query.read_bool("is_completed"),
        search: query.read("q", SearchTerm::new).flatten(),
        ids: read_ids(query),
        priorities: read_priorities(query),
        tags: read_tags(query),
        due_before: query.read("due_before", parse_moment).map(DueBound::before),
        due_after: query.read("due_after", parse_moment).map(DueBound::after),
        has_due: query.read_bool("has_due"),
    }
}

// Repeated values are sorted, so that a cursor remains valid whatever their order.

fn read_ids(query: &mut Query) -> Vec<TodoId> {
    let mut ids = query.read_all("id", MAX_IDS, &too_many(MAX_IDS), |id| {
        parse_uuid(id.as_bytes()).map(TodoId).ok_or(UUID_RULE)
    });
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn read_priorities(query: &mut Query) -> Vec<Priority> {
    let max = Priority::ALL.len();
    let mut priorities = query.read_all("priority", max, &too_many(max), |name| {
        Priority::from_name(name).ok_or(PRIORITY_RULE)
    });
    priorities.sort_unstable();
    priorities.dedup();
    priorities
}

fn read_tags(query: &mut Query) -> Vec<Tag> {
    let mut tags = query.read_all("tag", Tags::MAX, &too_many(Tags::MAX), Tag::new);
    tags.sort_unstable_by(|one, other| one.as_folded_str().cmp(other.as_folded_str()));
    tags.dedup_by(|one, other| one.is_same(other));
    tags
}

fn too_many(max: usize) -> String {
    format!("must be given at most {max} times")
}

/// Reads a date or an instant.
fn parse_moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text).map_err(|error| {
        let is_plus = text.contains(' ') && Moment::parse(&text.replace(' ', "+")).is_ok();
        if is_plus {
            return "has a space where the + of an offset should be: write + as %2B in a URL"
                .to_owned();
        }
        error.to_string()
    })
}

/// Reads an instant.
pub(super) fn parse_instant(text: &str) -> Result<Moment, String> {
    let moment = parse_moment(text)?;
    if moment.is_instant() {
        return Ok(moment);
    }
    Err("must be an instant with its offset, as 2026-03-01T09:00:00+01:00, not a date".to_owned())
}
