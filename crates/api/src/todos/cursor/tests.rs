use proptest::prelude::*;
use todo_domain::search::fold;
use todo_domain::{Moment, SearchTerm, Tag};

use super::*;

const POSITION: Position = Position {
    key: KeyValue::Time(DateTime::from_timestamp_micros(1_769_077_800_123_456).unwrap()),
    id: TodoId(Uuid::from_u128(42)),
};

fn everything() -> TodoFilter {
    TodoFilter::default()
}

fn list(filter: &TodoFilter) -> ListIdentity<'_> {
    ListIdentity { user: UserId(Uuid::from_u128(1)), sort: Sort::default(), filter }
}

#[test]
fn a_cursor_is_decoded_to_its_position() {
    let filter = everything();
    let token = encode(list(&filter), &POSITION);
    assert_eq!(decode(list(&filter), &token), Some(POSITION));
    assert!(token.len() < 40, "{token}");
}

#[test]
fn any_damaged_character_is_detected() {
    let filter = everything();
    let token = encode(list(&filter), &POSITION);
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
fn a_forged_cursor_with_an_extreme_time_is_rejected() {
    let filter = everything();
    for at in [DateTime::<chrono::Utc>::MIN_UTC, DateTime::<chrono::Utc>::MAX_UTC] {
        let token = encode(list(&filter), &Position { key: KeyValue::Time(at), ..POSITION });
        assert_eq!(decode(list(&filter), &token), None);
    }
}

#[test]
fn a_cursor_of_another_list_is_rejected() {
    let filter = everything();
    let token = encode(list(&filter), &POSITION);
    let other_user = ListIdentity { user: UserId(Uuid::from_u128(2)), ..list(&filter) };
    let ascending = Sort { descending: false, ..Sort::default() };
    let by_update = Sort { key: SortKey::UpdatedAt, ..Sort::default() };
    let active = TodoFilter { is_completed: Some(false), ..everything() };
    let ids = TodoFilter { ids: vec![TodoId(Uuid::from_u128(7))], ..everything() };
    let search = TodoFilter { search: SearchTerm::new("milk").unwrap(), ..everything() };
    let bound = DueBound::before(Moment::parse("2026-03-01").unwrap());
    let due_before = TodoFilter { due_before: Some(bound), ..everything() };
    let due_after = TodoFilter { due_after: Some(bound), ..everything() };
    let has_due = TodoFilter { has_due: Some(false), ..everything() };
    let high = TodoFilter { priorities: vec![Priority::High], ..everything() };
    let tagged = TodoFilter { tags: vec![Tag::new("home").unwrap()], ..everything() };
    for other in [
        other_user,
        ListIdentity { sort: ascending, ..list(&filter) },
        ListIdentity { sort: by_update, ..list(&filter) },
        list(&active),
        list(&search),
        list(&ids),
        list(&due_before),
        list(&due_after),
        list(&has_due),
        list(&high),
        list(&tagged),
    ] {
        assert_eq!(decode(other, &token), None);
    }
}

#[test]
fn a_cursor_from_before_there_were_other_orders_can_still_be_read() {
    let filter = everything();
    let token = "AQAGSPeF2zxAAAAAAAAAAAAAAAAAAAAAKqzy4DM";
    assert_eq!(decode(list(&filter), token), Some(POSITION));
}

const ORDERS: [SortKey; 5] =
    [SortKey::CreatedAt, SortKey::UpdatedAt, SortKey::Due, SortKey::Priority, SortKey::Title];

fn ordered(filter: &TodoFilter, key: SortKey) -> ListIdentity<'_> {
    ListIdentity { sort: Sort { key, descending: false }, ..list(filter) }
}

/// A key, and an order that can have it.
fn any_key() -> impl Strategy<Value = (KeyValue, SortKey)> {
    let time = |micros| KeyValue::Time(DateTime::from_timestamp_micros(micros).unwrap());
    prop_oneof![
        (0..YEAR_10000_MICROS).prop_map(move |at| (time(at), SortKey::UpdatedAt)),
        (YEAR_1_MICROS..YEAR_10000_MICROS).prop_map(move |at| (time(at), SortKey::Due)),
        Just((KeyValue::Absent, SortKey::Due)),
        prop::sample::select(&Priority::ALL[..])
            .prop_map(|it| (KeyValue::Priority(it), SortKey::Priority)),
        "[^\0]{1,255}".prop_map(|it| (KeyValue::Text(fold(&it).into_owned()), SortKey::Title)),
    ]
}

proptest! {
    #[test]
    fn each_position_is_decoded_in_its_order_only((key, sort) in any_key(), id: u128) {
        let (filter, position) = (everything(), Position { key, id: TodoId(Uuid::from_u128(id)) });
        let token = encode(ordered(&filter, sort), &position);
        prop_assert!(token.len() <= MAX_LENGTH);
        for other in ORDERS {
            let expected = (other == sort).then(|| position.clone());
            prop_assert_eq!(decode(ordered(&filter, other), &token), expected);
        }
    }

    /// The checksum has no key: anybody can make one that is right.
    #[test]
    fn a_forged_token_has_a_possible_key_or_is_rejected(
        kind in 0_u8..6,
        key in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..12),
            "\\PC{0,3}\0?".prop_map(String::into_bytes),
            (3_000_usize..3_200).prop_map(|length| vec![b'a'; length]),
        ],
        sort in prop::sample::select(&ORDERS[..]),
    ) {
        let filter = everything();
        let list = ordered(&filter, sort);
        let mut token = vec![kind];
        token.extend(&key);
        token.extend([7; 16]);
        token.extend(checksum(list, &token).to_be_bytes());
        let token = URL_SAFE_NO_PAD.encode(token);
        if let Some(position) = decode(list, &token) {
            prop_assert_eq!(encode(list, &position), token);
            match (position.key, sort) {
                (KeyValue::Time(at), SortKey::CreatedAt | SortKey::UpdatedAt) => {
                    prop_assert!(at >= DateTime::UNIX_EPOCH);
                }
                (KeyValue::Time(at), SortKey::Due) => {
                    prop_assert!((YEAR_1_MICROS..YEAR_10000_MICROS).contains(&at.timestamp_micros()));
                }
                (KeyValue::Absent, SortKey::Due) | (KeyValue::Priority(_), SortKey::Priority) => {}
                (KeyValue::Text(text), SortKey::Title) => {
                    prop_assert!(!text.contains('\0') && text.len() <= MAX_TEXT);
                }
                (key, _) => prop_assert!(false, "{:?} by {:?}", key, sort),
            }
        }
    }
}

#[test]
fn the_longest_folded_title_fits_into_a_cursor() {
    let filter = everything();
    let all = char::MIN..=char::MAX;
    let character = all.max_by_key(|it| fold(&it.to_string()).len()).unwrap();
    let title = fold(&character.to_string().repeat(Title::MAX_CHARS)).into_owned();
    assert!(title.len() <= MAX_TEXT, "{character:?}: {}", title.len());
    let list = ordered(&filter, SortKey::Title);
    let utmost = Position { key: KeyValue::Text("a".repeat(MAX_TEXT)), ..POSITION };
    for position in [utmost, Position { key: KeyValue::Text(title), ..POSITION }] {
        let token = encode(list, &position);
        assert!(token.len() <= MAX_LENGTH, "{}", token.len());
        assert_eq!(decode(list, &token), Some(position));
    }
}
