//! Keyset cursors: the position at which a page ends, as an opaque token.
//!
//! A token is 29 bytes in URL-safe base64: a format version, the position (microseconds since 1970, id), and a checksum
//! of both and of the list it belongs to: the user, the order and the filter. A token that is damaged, or used with
//! another list, is rejected rather than leading to a wrong page. It is not a secret and grants no access: every page
//! is restricted to the caller's todos.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use todo_domain::{Position, Sort, SortKey, TodoFilter, TodoId, UserId};
use uuid::Uuid;

/// The version of the token format. Tokens of other versions are rejected, so the format may change with any release.
const FORMAT: u8 = 1;
/// The first microsecond after the latest time that the databases can store.
const YEAR_10000_MICROS: i64 = 253_402_300_800_000_000;
const LENGTH: usize = 1 + 8 + 16 + 4;

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
pub fn encode(list: ListIdentity<'_>, position: Position) -> String {
    let mut token = Vec::with_capacity(LENGTH);
    token.push(FORMAT);
    token.extend_from_slice(&position.at.timestamp_micros().to_be_bytes());
    token.extend_from_slice(position.id.0.as_bytes());
    token.extend_from_slice(&checksum(list, &token).to_be_bytes());
    URL_SAFE_NO_PAD.encode(token)
}

/// Decodes a token. Returns `None` if it is damaged or belongs to another list.
#[must_use]
pub fn decode(list: ListIdentity<'_>, token: &str) -> Option<Position> {
    let token: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
    let (payload, sum) = token.split_at(LENGTH - 4);
    if payload[0] != FORMAT || sum != checksum(list, payload).to_be_bytes() {
        return None;
    }
    let (micros, id) = payload[1..].split_at(8);
    Some(Position {
        at: decode_time(micros.try_into().ok()?)?,
        id: TodoId(Uuid::from_slice(id).ok()?),
    })
}

/// Decodes a time in a token. The checksum has no key, so a token can be forged: times that the databases cannot handle
/// are rejected.
pub(super) fn decode_time(micros: [u8; 8]) -> Option<DateTime<Utc>> {
    let micros = i64::from_be_bytes(micros);
    let is_storable = (0..YEAR_10000_MICROS).contains(&micros);
    is_storable.then(|| DateTime::from_timestamp_micros(micros)).flatten()
}

fn checksum(list: ListIdentity<'_>, payload: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(payload);
    sum.update(list.user.0.as_bytes());
    let key = match list.sort.key {
        SortKey::CreatedAt => 0,
        SortKey::UpdatedAt => 1,
    };
    let is_completed = list.filter.is_completed.map_or(0, |it| 1 + u8::from(it));
    sum.update(&[key, u8::from(list.sort.descending), is_completed]);
    for id in &list.filter.ids {
        sum.update(id.0.as_bytes());
    }
    if let Some(term) = &list.filter.search {
        sum.update(term.as_folded_str().as_bytes());
    }
    sum.finalize()
}

#[cfg(test)]
mod tests;
