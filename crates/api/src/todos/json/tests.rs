use proptest::prelude::*;
use todo_domain::{Title, TodoId, UserId};

use super::super::dto::{TodoList, TodoRead};
use super::*;

prop_compose! {
    fn any_todo()(
        id: u128,
        user: u128,
        title in "\\PC{0,10}[a-z\"\\\\\n\u{7f}\u{2028}é😀]{1,5}[\u{1}-\u{1f}]{0,3}a",
        description in proptest::option::of("[^\0]{0,60}"),
        is_completed: bool,
        created in -100_000_000_000_000_000_i64..300_000_000_000_000_000,
        updated in 1_700_000_000_000_000_i64..1_900_000_000_000_000,
        version: i64,
    ) -> Todo {
        Todo {
            id: TodoId(Uuid::from_u128(id)),
            user_id: UserId(Uuid::from_u128(user)),
            title: Title::new(title).unwrap(),
            description: description.map(|text| Description::new(text).unwrap()),
            is_completed,
            created_at: DateTime::from_timestamp_micros(created).unwrap(),
            updated_at: DateTime::from_timestamp_micros(updated).unwrap(),
            version,
        }
    }
}

proptest! {
    #[test]
    fn a_list_is_serialized_as_by_serde_json(
        todos in proptest::collection::vec(any_todo(), 0..4),
        next_cursor in proptest::option::of("[A-Za-z0-9_-]{1,39}"),
        limit in 0_usize..2_000,
    ) {
        let (mut text, mut count) = (Vec::new(), 0);
        while count == 0 || count < todos.len() {
            let mut part = Vec::new();
            count += push_todos(&mut part, &todos[count..], count, limit);
            text.append(&mut part);
            if todos.is_empty() {
                break;
            }
        }
        end_list(&mut text, count, next_cursor.as_deref());
        let written = String::from_utf8(text).unwrap();
        let items: Vec<_> = todos.into_iter().map(TodoRead::from).collect();
        let described = TodoList { count: items.len(), items, next_cursor };
        prop_assert_eq!(written, serde_json::to_string(&described).unwrap());
    }
}
