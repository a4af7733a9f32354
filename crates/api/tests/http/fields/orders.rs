//! The orders by due time, priority and title.

use serde_json::{Value, json};

use crate::support::{Api, Client, TODOS};

const ORDERS: [&str; 6] = ["due", "-due", "priority", "-priority", "title", "-title"];

fn create(client: &Client<'_>, title: &str, priority: &str, due: &Value) {
    client.post(&json!({"title": title, "priority": priority, "due": due})).expect(201);
}

pub(crate) fn each_order_is_kept(api: Api) {
    let ann = api.user();
    create(&ann, "b", "high", &json!("2026-03-01"));
    create(&ann, "É", "low", &json!("2026-03-01T23:59:59Z"));
    create(&ann, "A", "medium", &json!(null));
    create(&ann, "e\u{301}", "low", &json!("1960-01-01"));
    for (order, titles) in [
        ("due", ["e\u{301}", "É", "b", "A"]),
        ("-due", ["b", "É", "e\u{301}", "A"]),
        ("priority", ["É", "e\u{301}", "A", "b"]),
        ("-priority", ["b", "A", "e\u{301}", "É"]),
        ("title", ["A", "b", "É", "e\u{301}"]),
        ("-title", ["e\u{301}", "É", "b", "A"]),
    ] {
        assert_eq!(ann.titles(format!("{TODOS}?sort={order}")), titles, "{order}");
    }
}

/// Todos with many equal keys.
fn crowd(client: &Client<'_>, count: usize) {
    for number in 0..count {
        let due =
            ["2026-03-01", "2026-03-01T08:00:00+01:00", "0001-01-01", "9999-12-31"].get(number % 6);
        let title = ["Milk", "milk", "\u{390}".repeat(255).as_str(), "äpfel", "\u{10ffff}"]
            [number % 5]
            .to_owned();
        create(client, &title, ["low", "medium", "high"][number % 3], &json!(due));
    }
}

pub(crate) fn pages_make_up_the_whole_list(api: Api) {
    let ann = api.user();
    crowd(&ann, 30);
    for order in ORDERS {
        for filter in ["", "&has_due=true", "&has_due=false", "&priority=low&priority=high"] {
            let query = format!("{TODOS}?sort={order}{filter}");
            let whole = ann.items(&query);
            assert!(whole.len() >= 10);
            for limit in [1, 7, 30] {
                let (mut items, mut cursor) = (Vec::new(), String::new());
                loop {
                    let page =
                        ann.get(format!("{query}&limit={limit}&cursor={cursor}")).expect(200);
                    items.extend(page["items"].as_array().unwrap().clone());
                    let Some(next) = page["next_cursor"].as_str() else { break };
                    assert!(next.len() <= 4_200, "{next}");
                    next.clone_into(&mut cursor);
                }
                assert_eq!(items, whole, "{query} by {limit}");
            }
        }
    }
}

/// Longer than one part.
pub(crate) fn a_long_list_in_each_order_is_complete(api: Api) {
    let ann = api.user();
    crowd(&ann, 240);
    let mut all: Vec<_> = ann.items(TODOS).iter().map(|it| it["id"].clone().to_string()).collect();
    all.sort();
    for order in ORDERS {
        let list = ann.items(format!("{TODOS}?sort={order}"));
        let mut ids: Vec<_> = list.iter().map(|it| it["id"].to_string()).collect();
        ids.sort();
        assert_eq!(ids, all, "{order}");
    }
}

pub(crate) fn a_forged_cursor_is_rejected(api: Api) {
    let ann = api.user();
    crowd(&ann, 6);
    for order in ORDERS {
        let page = ann.get(format!("{TODOS}?limit=1&sort={order}")).expect(200);
        let cursor = page["next_cursor"].as_str().unwrap();
        for other in ORDERS.into_iter().filter(|it| *it != order) {
            let target = format!("{TODOS}?limit=1&sort={other}&cursor={cursor}");
            ann.get(target).expect_invalid_fields(&["cursor"]);
        }
    }
    ann.get(format!("{TODOS}?sort=title&cursor={}", "A".repeat(4_201)))
        .expect_invalid_fields(&["cursor"]);
}
