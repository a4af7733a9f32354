//! Sync tokens: how far a client has read the change feed, as an opaque text.
//!
//! A token is 53 bytes in URL-safe base64: a format version, the feed, the position (microseconds since 1970, id), the
//! time up to which deletions do not matter, and a checksum of all of these and of the user. A token that is damaged, or
//! another user's, is rejected. It is not a secret and grants no access: the feed is restricted to the caller's todos.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use todo_domain::{FeedId, FeedPosition, SyncToken, TodoId, UserId};
use uuid::Uuid;

use super::cursor::decode_time;

/// The version of the format. Clients keep tokens for months, so a release that changes the format must still read
/// this one.
const FORMAT: u8 = 1;
const PAYLOAD_LENGTH: usize = 1 + 16 + 8 + 16 + 8;
const LENGTH: usize = PAYLOAD_LENGTH + 4;

/// Encodes a user's token.
#[must_use]
pub fn encode(user: UserId, token: SyncToken) -> String {
    let SyncToken { feed, position, deleted_after } = token;
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.push(FORMAT);
    bytes.extend_from_slice(feed.0.as_bytes());
    bytes.extend_from_slice(&position.at.timestamp_micros().to_be_bytes());
    bytes.extend_from_slice(position.id.0.as_bytes());
    bytes.extend_from_slice(&deleted_after.timestamp_micros().to_be_bytes());
    bytes.extend_from_slice(&checksum(user, &bytes).to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes a token. Returns `None` if it is damaged or another user's.
#[must_use]
pub fn decode(user: UserId, text: &str) -> Option<SyncToken> {
    let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (payload, sum) = bytes.split_at(PAYLOAD_LENGTH);
    if sum != checksum(user, payload).to_be_bytes() {
        return None;
    }
    let mut fields = Fields(payload);
    let is_known = fields.take::<1>()? == [FORMAT];
    let feed = FeedId(Uuid::from_bytes(fields.take()?));
    let at = decode_time(fields.take()?)?;
    let id = TodoId(Uuid::from_bytes(fields.take()?));
    let deleted_after = decode_time(fields.take()?)?;
    is_known.then_some(SyncToken { feed, position: FeedPosition { at, id }, deleted_after })
}

/// What is left of a payload.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }
}

fn checksum(user: UserId, payload: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(payload);
    sum.update(user.0.as_bytes());
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    const USER: UserId = UserId(Uuid::from_u128(1));
    const TOKEN: SyncToken = SyncToken {
        feed: FeedId(Uuid::from_u128(7)),
        position: FeedPosition {
            at: DateTime::from_timestamp_micros(1_769_077_800_123_456).unwrap(),
            id: TodoId(Uuid::from_u128(42)),
        },
        deleted_after: DateTime::from_timestamp_micros(1_769_077_700_654_321).unwrap(),
    };

    #[test]
    fn a_token_is_decoded_to_what_was_encoded() {
        let start = FeedPosition { at: DateTime::UNIX_EPOCH, id: TodoId(Uuid::nil()) };
        let of_start = SyncToken { position: start, ..TOKEN };
        for token in [TOKEN, of_start] {
            let text = encode(USER, token);
            assert_eq!(decode(USER, &text), Some(token));
            assert_eq!(text.len(), 71, "{text}");
        }
    }

    #[test]
    fn tokens_that_clients_have_kept_can_still_be_read() {
        let text = "AQAAAAAAAAAAAAAAAAAAAAcABkj3hds8QAAAAAAAAAAAAAAAAAAAACoABkj3f-108d1OJpo";
        assert_eq!(decode(USER, text), Some(TOKEN));
    }

    #[test]
    fn any_damaged_character_is_detected() {
        let text = encode(USER, TOKEN);
        for index in 0..text.len() {
            for replacement in ["A", "B", "_", "!"] {
                let mut damaged = text.clone();
                damaged.replace_range(index..=index, replacement);
                if damaged != text {
                    assert_eq!(decode(USER, &damaged), None, "{damaged}");
                }
            }
        }
        for damaged in ["", &text[1..], &format!("{text}="), &format!("{text}AA")] {
            assert_eq!(decode(USER, damaged), None, "{damaged}");
        }
    }

    #[test]
    fn another_users_token_is_rejected() {
        assert_eq!(decode(UserId(Uuid::from_u128(2)), &encode(USER, TOKEN)), None);
    }

    #[test]
    fn a_forged_token_with_an_extreme_time_is_rejected() {
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let position = FeedPosition { at, ..TOKEN.position };
            assert_eq!(decode(USER, &encode(USER, SyncToken { position, ..TOKEN })), None);
            assert_eq!(decode(USER, &encode(USER, SyncToken { deleted_after: at, ..TOKEN })), None);
        }
    }

    #[test]
    fn a_token_of_another_format_is_rejected() {
        let mut bytes = URL_SAFE_NO_PAD.decode(encode(USER, TOKEN)).unwrap();
        bytes.truncate(PAYLOAD_LENGTH);
        bytes[0] = FORMAT + 1;
        bytes.extend_from_slice(&checksum(USER, &bytes).to_be_bytes());
        assert_eq!(decode(USER, &URL_SAFE_NO_PAD.encode(bytes)), None);
    }
}
