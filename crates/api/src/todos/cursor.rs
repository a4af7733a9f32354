//! Keyset cursors: the position at which a page ends, as an opaque token.
//!
//! A token is URL-safe base64 of the kind of its sort key, the key, the id, and a checksum of all these and of the list it
//! belongs to: the user, the order and the filter. A token that is damaged, or used with another list, is rejected rather
//! than leading to a wrong page. It is not a secret and grants no access: every page is restricted to the caller's todos.
//! The checksum has no key, so a token can be forged: a key that no todo can have is rejected, too.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use todo_domain::{
    DueBound, KeyValue, Position, Priority, Sort, SortKey, Title, TodoFilter, TodoId, UserId,
};
use uuid::Uuid;

/// The kinds of keys. Tokens with other ones are rejected, so the format may change with any release.
const TIME: u8 = 1;
const ABSENT: u8 = 2;
const PRIORITY: u8 = 3;
const TEXT: u8 = 4;

/// 0001-01-01, the earliest due time.
const YEAR_1_MICROS: i64 = -62_135_596_800_000_000;
/// The first microsecond after the latest time that the databases can store.
const YEAR_10000_MICROS: i64 = 253_402_300_800_000_000;

/// An upper bound for the length of a folded title in bytes: folding makes at most 12 bytes of a character.
const MAX_TEXT: usize = 12 * Title::MAX_CHARS;

/// The maximum length of a token.
pub const MAX_LENGTH: usize = 4_200;

/// The list that a cursor belongs to.
#[derive(Debug, Clone, Copy)]
pub struct ListIdentity<'a> {
    /// The owner of the todos.
    pub user: UserId,
    /// The order of the list.
    pub sort: Sort,
    /// The filter of the list.
    pub filter: &'a TodoFilter,
}

/// Encodes a position in a list as a token.
#[must_use]
pub fn encode(list: ListIdentity<'_>, position: &Position) -> String {
    let mut token = Vec::with_capacity(1 + 8 + 16 + 4);
    match &position.key {
        KeyValue::Time(at) => {
            token.push(TIME);
            token.extend_from_slice(&at.timestamp_micros().to_be_bytes());
        }
        KeyValue::Absent => token.push(ABSENT),
        KeyValue::Priority(priority) => token.extend_from_slice(&[PRIORITY, priority.rank()]),
        KeyValue::Text(text) => {
            token.push(TEXT);
            token.extend_from_slice(text.as_bytes());
        }
    }
    token.extend_from_slice(position.id.0.as_bytes());
    token.extend_from_slice(&checksum(list, &token).to_be_bytes());
    URL_SAFE_NO_PAD.encode(token)
}

/// Decodes a token. Returns `None` if it is damaged or belongs to another list.
#[must_use]
pub fn decode(list: ListIdentity<'_>, token: &str) -> Option<Position> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let token = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (payload, sum) = token.split_last_chunk()?;
    if *sum != checksum(list, payload).to_be_bytes() {
        return None;
    }
    let (key, id) = payload.split_last_chunk()?;
    let (kind, key) = key.split_first()?;
    let key = match (*kind, list.sort.key) {
        (TIME, SortKey::CreatedAt | SortKey::UpdatedAt) => {
            KeyValue::Time(decode_time(key.try_into().ok()?)?)
        }
        (TIME, SortKey::Due) => {
            KeyValue::Time(decode_time_from(YEAR_1_MICROS, key.try_into().ok()?)?)
        }
        (ABSENT, SortKey::Due) if key.is_empty() => KeyValue::Absent,
        (PRIORITY, SortKey::Priority) => {
            let [rank] = *key else { return None };
            KeyValue::Priority(Priority::from_rank(rank.into())?)
        }
        (TEXT, SortKey::Title) => {
            let text = std::str::from_utf8(key).ok()?;
            let is_possible = !text.is_empty() && text.len() <= MAX_TEXT && !text.contains('\0');
            KeyValue::Text(is_possible.then(|| text.to_owned())?)
        }
        _ => return None,
    };
    Some(Position { key, id: TodoId(Uuid::from_bytes(*id)) })
}

/// Decodes the time of a change. Times that the databases cannot handle are rejected.
pub(super) fn decode_time(micros: [u8; 8]) -> Option<DateTime<Utc>> {
    decode_time_from(0, micros)
}

fn decode_time_from(earliest: i64, micros: [u8; 8]) -> Option<DateTime<Utc>> {
    let micros = i64::from_be_bytes(micros);
    let is_storable = (earliest..YEAR_10000_MICROS).contains(&micros);
    is_storable.then(|| DateTime::from_timestamp_micros(micros)).flatten()
}

fn checksum(list: ListIdentity<'_>, payload: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(payload);
    sum.update(list.user.0.as_bytes());
    let key = match list.sort.key {
        SortKey::CreatedAt => 0,
        SortKey::UpdatedAt => 1,
        SortKey::Due => 2,
        SortKey::Priority => 3,
        SortKey::Title => 4,
    };
    let TodoFilter { is_completed, search, ids, priorities, tags, due_before, due_after, has_due } =
        list.filter;
    let is_completed = is_completed.map_or(0, |it| 1 + u8::from(it));
    sum.update(&[key, u8::from(list.sort.descending), is_completed]);
    for id in ids {
        sum.update(id.0.as_bytes());
    }
    if let Some(term) = search {
        sum.update(term.as_folded_str().as_bytes());
    }
    // Each begins with a zero, which no term contains, and nothing is added for a filter that is not set: cursors remain
    // valid that were made before there were these filters.
    for priority in priorities {
        sum.update(&[0, b'p', priority.rank()]);
    }
    for tag in tags {
        sum.update(b"\0t");
        sum.update(tag.as_folded_str().as_bytes());
    }
    for (name, bound) in [(b'b', due_before), (b'a', due_after)] {
        if let Some(bound) = bound {
            sum.update(&[0, name]);
            for is_date in [true, false] {
                sum.update(&DueBound::of(*bound, is_date).timestamp_micros().to_be_bytes());
            }
        }
    }
    if let Some(has_due) = has_due {
        sum.update(&[0, b'h', u8::from(*has_due)]);
    }
    sum.finalize()
}

#[cfg(test)]
mod tests;
