//! Any text as a cursor: rejected, or the only token of its position. Every position can be decoded from its token.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use todo_api::todos::cursor::{ListIdentity, decode, encode};
use todo_domain::{Position, SearchTerm, Sort, SortKey, TodoFilter, TodoId, UserId};
use uuid::Uuid;

#[derive(Debug, Arbitrary)]
struct Given<'a> {
    user: u128,
    by_update: bool,
    descending: bool,
    is_completed: Option<bool>,
    term: &'a str,
    ids: Vec<u128>,
    token: &'a str,
    micros: u32,
    id: u128,
    /// Which byte of the token is damaged, and how.
    damage: (usize, u8),
}

fuzz_target!(|given: Given| {
    let filter = TodoFilter {
        is_completed: given.is_completed,
        search: SearchTerm::new(given.term).unwrap_or_default(),
        ids: given.ids.into_iter().map(|id| TodoId(Uuid::from_u128(id))).collect(),
    };
    let key = if given.by_update { SortKey::UpdatedAt } else { SortKey::CreatedAt };
    let sort = Sort { key, descending: given.descending };
    let list = ListIdentity { user: UserId(Uuid::from_u128(given.user)), sort, filter: &filter };
    if let Some(position) = decode(list, given.token) {
        assert_eq!(encode(list, position), given.token);
    }

    let at = std::time::UNIX_EPOCH + std::time::Duration::from_micros(given.micros.into());
    let position = Position { at: at.into(), id: TodoId(Uuid::from_u128(given.id)) };
    let token = encode(list, position);
    assert_eq!(decode(list, &token), Some(position));
    let mut damaged = token.clone().into_bytes();
    let (index, change) = given.damage;
    let index = index % damaged.len();
    damaged[index] ^= change;
    if let Ok(damaged) = String::from_utf8(damaged)
        && damaged != token
    {
        // The checksum detects every change within 32 consecutive bits.
        assert_eq!(decode(list, &damaged), None);
    }
});
