use proptest::prelude::*;
use serde_json::{Value, json};
use todo_domain::{Description, Priority, Tag, Title, TodoId, UserId};

use super::*;

prop_compose! {
    fn any_todo()(
        id: u128,
        user: u128,
        title in "\\PC{0,10}[a-z\"\\\\\n\u{7f}\u{2028}é😀]{1,5}[\u{1}-\u{1f}]{0,3}a",
        description in proptest::option::of("[^\0]{0,60}"),
        is_completed: bool,
        completed in proptest::option::of(1_700_000_000_000_000_i64..1_900_000_000_000_000),
        created in -100_000_000_000_000_000_i64..300_000_000_000_000_000,
        updated in 1_700_000_000_000_000_i64..1_900_000_000_000_000,
        version: i64,
        priority in proptest::sample::select(&Priority::ALL[..]),
        due in proptest::option::of((-62_135_596_800_000_000_i64..253_402_300_800_000_000, any::<bool>())),
        tags in proptest::collection::vec("[^\0,]{0,20}[a-z\"\\\\é😀]{1,5}", 0..5),
    ) -> Todo {
        Todo {
            id: TodoId(Uuid::from_u128(id)),
            user_id: UserId(Uuid::from_u128(user)),
            title: Title::new(title).unwrap(),
            description: description.map(|text| Description::new(text).unwrap()),
            is_completed,
            completed_at: completed.map(|at| DateTime::from_timestamp_micros(at).unwrap()),
            priority,
            due: due.map(|(at, is_date)| Due::from_parts(DateTime::from_timestamp_micros(at).unwrap(), is_date)),
            tags: Tags::new(tags.iter().map(|tag| Tag::new(tag).unwrap()).collect()).unwrap(),
            created_at: DateTime::from_timestamp_micros(created).unwrap(),
            updated_at: DateTime::from_timestamp_micros(updated).unwrap(),
            version,
        }
    }
}

/// The todo as described, written by the libraries.
fn described(todo: &Todo) -> Value {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
    json!({
        "id": todo.id.0.to_string(),
        "title": todo.title.as_str(),
        "description": todo.description.as_ref().map(Description::as_str),
        "is_completed": todo.is_completed,
        "completed_at": todo.completed_at.map(time),
        "priority": todo.priority.name(),
        "due": todo.due.map(|due| due.to_string()),
        "tags": todo.tags.iter().collect::<Vec<_>>(),
        "created_at": time(todo.created_at),
        "updated_at": time(todo.updated_at),
        "version": todo.version,
        "user_id": todo.user_id.0.to_string(),
    })
}

proptest! {
    #[test]
    fn a_list_in_parts_is_the_list_as_described(
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
        let items: Vec<_> = todos.iter().map(described).collect();
        let described = json!({"items": items, "count": todos.len(), "next_cursor": next_cursor});
        prop_assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), described);
        let list = TodoList {
            items: todos.iter().map(TodoRead::from).collect(),
            count,
            next_cursor: next_cursor.as_deref(),
        };
        prop_assert_eq!(String::from_utf8(text).unwrap(), to_string(&list));
    }
}
