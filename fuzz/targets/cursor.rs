//! Any text as a cursor: rejected, or the only token of its position. Every position can be decoded from its token.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use todo_api::todos::cursor::{ListIdentity, decode, encode};
use todo_domain::search::fold;
use todo_domain::{KeyValue, Position, Priority, SearchTerm, Sort, SortKey, Tag, TodoFilter, TodoId, UserId};
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
    /// One of the orders, if it is not that of creation or of the last change.
    order: u8,
    title: &'a str,
    tags: Vec<&'a str>,
    has_due: Option<bool>,
}

fuzz_target!(|given: Given| {
    let filter = TodoFilter {
        is_completed: given.is_completed,
        search: SearchTerm::new(given.term).unwrap_or_default(),
        ids: given.ids.into_iter().map(|id| TodoId(Uuid::from_u128(id))).collect(),
        tags: given.tags.into_iter().filter_map(|tag| Tag::new(tag).ok()).collect(),
        has_due: given.has_due,
        ..TodoFilter::default()
    };
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_micros(given.micros.into());
    let (key, value) = match (given.order % 5, given.by_update) {
        (1, true) => (SortKey::Due, KeyValue::Absent),
        (1, false) => (SortKey::Due, KeyValue::Time(at.into())),
        (2, _) => (SortKey::Priority, KeyValue::Priority(Priority::Medium)),
        (3, _) => {
            let title: String = given.title.chars().filter(|it| *it != '\0').take(255).collect();
            (SortKey::Title, KeyValue::Text(format!("a{}", &fold(&title))))
        }
        (_, true) => (SortKey::UpdatedAt, KeyValue::Time(at.into())),
        (_, false) => (SortKey::CreatedAt, KeyValue::Time(at.into())),
    };
    let sort = Sort { key, descending: given.descending };
    let list = ListIdentity { user: UserId(Uuid::from_u128(given.user)), sort, filter: &filter };
    if let Some(position) = decode(list, given.token) {
        assert_eq!(encode(list, &position), given.token);
    }

    let position = Position { key: value, id: TodoId(Uuid::from_u128(given.id)) };
    let token = encode(list, &position);
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
