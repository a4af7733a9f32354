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
fn a_cursor_is_decoded_to_its_position() {
    let filter = everything();
    let token = encode(list(&filter), POSITION);
    assert_eq!(decode(list(&filter), &token), Some(POSITION));
    assert!(token.len() < 40, "{token}");
}

#[test]
fn any_damaged_character_is_detected() {
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
fn a_forged_cursor_with_an_extreme_time_is_rejected() {
    let filter = everything();
    for at in [DateTime::<chrono::Utc>::MIN_UTC, DateTime::<chrono::Utc>::MAX_UTC] {
        let token = encode(list(&filter), Position { at, ..POSITION });
        assert_eq!(decode(list(&filter), &token), None);
    }
}

#[test]
fn a_cursor_of_another_list_is_rejected() {
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
