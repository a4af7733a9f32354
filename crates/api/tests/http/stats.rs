//! `GET /api/v1/todos/stats`

use serde_json::{Value, json};

use crate::support::{Api, Client, TODOS, id_of, path_of};

fn stats(client: &Client<'_>) -> Value {
    client.get(format!("{TODOS}/stats")).expect(200)
}

fn counts(total: u64, active: u64, completed: u64) -> Value {
    json!({
        "total": total, "active": active, "completed": completed, "overdue": 0,
        "by_priority": {"low": 0, "medium": active, "high": 0},
    })
}

pub(crate) fn todos_are_counted(api: Api) {
    let ann = api.user();
    assert_eq!(stats(&ann), counts(0, 0, 0));
    let [one, two, _] = ["one", "two", "three"].map(|title| ann.create(title));
    assert_eq!(stats(&ann), counts(3, 3, 0));
    ann.patch(path_of(&one), &json!({"is_completed": true})).expect(200);
    assert_eq!(stats(&ann), counts(3, 2, 1));
    ann.delete(path_of(&two)).expect(204);
    assert_eq!(stats(&ann), counts(2, 1, 1));
    ann.patch(format!("{TODOS}?all=true"), &json!({"is_completed": true})).expect(200);
    assert_eq!(stats(&ann), counts(2, 0, 2));
    ann.delete(format!("{TODOS}?all=true")).expect(200);
    assert_eq!(stats(&ann), counts(0, 0, 0));
}

pub(crate) fn todos_that_match_the_filters_are_counted(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let [milk, eggs, _] = ["Buy milk", "Buy eggs", "Call Bob"].map(|title| ann.create(title));
    let his = bob.create("Buy milk");
    ann.patch(path_of(&milk), &json!({"is_completed": true})).expect(200);
    let (milk, eggs, his) = (id_of(&milk), id_of(&eggs), id_of(&his));
    for (query, expected) in [
        ("is_completed=true".to_owned(), counts(1, 0, 1)),
        ("is_completed=false".to_owned(), counts(2, 2, 0)),
        ("q=BUY".to_owned(), counts(2, 1, 1)),
        ("q=".to_owned(), counts(3, 2, 1)),
        (format!("id={milk}&id={his}"), counts(1, 0, 1)),
        (format!("id={milk}&id={eggs}&q=eggs&is_completed=false"), counts(1, 1, 0)),
    ] {
        assert_eq!(ann.get(format!("{TODOS}/stats?{query}")).expect(200), expected, "{query}");
        let listed = ann.items(format!("{TODOS}?{query}")).len();
        assert_eq!(expected["total"], listed, "{query}");
    }
    for name in ["limit", "cursor", "sort", "all"] {
        ann.get(format!("{TODOS}/stats?{name}=1")).expect_invalid_fields(&[name]);
    }
}

pub(crate) fn another_users_todos_are_not_counted(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    ann.create("Ann's");
    assert_eq!(stats(&bob), counts(0, 0, 0));
    assert_eq!(stats(&ann), counts(1, 1, 0));
}
