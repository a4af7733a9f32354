//! Cursors: where a list goes on, as an opaque token.
//!
//! A token is 29 bytes in URL-safe base64: a format version, the position (microseconds since 1970, id), and
//! a checksum over these and over what the token belongs to: the user, the order and the filter. A token that
//! was damaged, or is used with another list than it came from, is refused instead of answered with a wrong page.
//! It is no secret and grants nothing: every page is read on the caller's behalf.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use todo_domain::{Position, Sort, SortKey, TodoFilter, TodoId, UserId};
use uuid::Uuid;

/// The format of the tokens. Tokens of another format are refused, so it may change from release to release.
const FORMAT: u8 = 1;
/// The first microsecond that no server's clock will show.
const YEAR_10000_MICROS: i64 = 253_402_300_800_000_000;
const LENGTH: usize = 1 + 8 + 16 + 4;

/// The list that a cursor belongs to.
#[derive(Debug, Clone, Copy)]
pub struct ListIdentity<'a> {
    /// Whose it is.
    pub user: UserId,
    /// Its order.
    pub sort: Sort,
    /// Its filter.
    pub filter: &'a TodoFilter,
}

/// The token for a position in a list.
#[must_use]
pub fn encode(list: ListIdentity<'_>, position: Position) -> String {
    let mut token = Vec::with_capacity(LENGTH);
    token.push(FORMAT);
    token.extend_from_slice(&position.at.timestamp_micros().to_be_bytes());
    token.extend_from_slice(position.id.0.as_bytes());
    token.extend_from_slice(&checksum(list, &token).to_be_bytes());
    URL_SAFE_NO_PAD.encode(token)
}

/// The position that a token stands for; `None` when it is damaged or belongs to another list.
#[must_use]
pub fn decode(list: ListIdentity<'_>, token: &str) -> Option<Position> {
    let token: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
    let (payload, sum) = token.split_at(LENGTH - 4);
    if payload[0] != FORMAT || sum != checksum(list, payload).to_be_bytes() {
        return None;
    }
    let (micros, id) = payload[1..].split_at(8);
    // The checksum has no key, so a token can be forged: into no time that a database could not take.
    let micros = u64::from_be_bytes(micros.try_into().ok()?);
    let micros = i64::try_from(micros).ok().filter(|micros| *micros < YEAR_10000_MICROS)?;
    Some(Position {
        at: DateTime::from_timestamp_micros(micros)?,
        id: TodoId(Uuid::from_slice(id).ok()?),
    })
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
mod tests {
    use todo_domain::SearchTerm;

    use super::*;

    const POSITION: Position = Position {
        at: DateTime::from_timestamp_micros(1_769_077_800_123_456).unwrap(),
        id: TodoId(Uuid::from_u128(42)),
    };

    fn everything() -> TodoFilter {
        TodoFilter::default()
    }

    fn list(filter: &TodoFilter) -> ListIdentity<'_> {
        ListIdentity { user: UserId(Uuid::from_u128(1)), sort: Sort::default(), filter }
    }

    #[test]
    fn a_cursor_leads_back_to_its_position() {
        let filter = everything();
        let token = encode(list(&filter), POSITION);
        assert_eq!(decode(list(&filter), &token), Some(POSITION));
        assert!(token.len() < 40, "{token}");
    }

    #[test]
    fn any_damaged_character_is_noticed() {
        let filter = everything();
        let token = encode(list(&filter), POSITION);
        for index in 0..token.len() {
            for replacement in ["A", "B", "_", "!"] {
                let mut damaged = token.clone();
                damaged.replace_range(index..=index, replacement);
                if damaged != token {
                    assert_eq!(decode(list(&filter), &damaged), None, "{damaged}");
                }
            }
        }
        assert_eq!(decode(list(&filter), ""), None);
        assert_eq!(decode(list(&filter), &token[1..]), None);
    }

    #[test]
    fn a_forged_cursor_leads_to_no_time_outside_of_the_databases() {
        let filter = everything();
        for at in [DateTime::<chrono::Utc>::MIN_UTC, DateTime::<chrono::Utc>::MAX_UTC] {
            let token = encode(list(&filter), Position { at, ..POSITION });
            assert_eq!(decode(list(&filter), &token), None);
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let filter = everything();
        let token = encode(list(&filter), POSITION);
        let other_user = ListIdentity { user: UserId(Uuid::from_u128(2)), ..list(&filter) };
        let ascending = Sort { descending: false, ..Sort::default() };
        let by_update = Sort { key: SortKey::UpdatedAt, ..Sort::default() };
        let active = TodoFilter { is_completed: Some(false), ..everything() };
        let ids = TodoFilter { ids: vec![TodoId(Uuid::from_u128(7))], ..everything() };
        let search = TodoFilter { search: SearchTerm::new("milk").unwrap(), ..everything() };
        for other in [
            other_user,
            ListIdentity { sort: ascending, ..list(&filter) },
            ListIdentity { sort: by_update, ..list(&filter) },
            list(&active),
            list(&search),
            list(&ids),
        ] {
            assert_eq!(decode(other, &token), None);
        }
    }
}
