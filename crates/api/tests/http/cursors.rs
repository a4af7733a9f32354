//! Cursors: opaque, and valid only for the list that they came from.

use serde_json::Value;

use crate::support::{Api, Client, TODOS, path_of};

/// The cursor after the first of several todos.
fn cursor(client: &Client<'_>, query: &str) -> String {
    let list = client.get(format!("{TODOS}?limit=1{query}")).expect(200);
    list["next_cursor"].as_str().unwrap().to_owned()
}

fn create(client: &Client<'_>, count: usize) {
    for number in 0..count {
        client.create(&format!("Milk {number}"));
    }
}

pub(crate) fn a_damaged_cursor_is_rejected(api: Api) {
    let ann = api.user();
    create(&ann, 3);
    let good = cursor(&ann, "");
    assert!(good.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it)), "{good}");
    let mut damaged: Vec<_> = (0..good.len())
        .map(|index| {
            let other = if &good[index..=index] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &good[..index], &good[index + 1..])
        })
        .collect();
    damaged.extend([
        good[1..].to_owned(),
        good[..good.len() - 1].to_owned(),
        format!("{good}A"),
        format!("{good}%3D"),
        format!("%20{good}"),
        "A".repeat(good.len()),
        "A".repeat(10_000),
        good.to_lowercase(),
    ]);
    for damaged in damaged {
        ann.get(format!("{TODOS}?limit=1&cursor={damaged}")).expect_invalid_fields(&["cursor"]);
        ann.get(format!("{TODOS}?cursor={damaged}")).expect_invalid_fields(&["cursor"]);
    }
    assert_eq!(ann.items(format!("{TODOS}?limit=1&cursor={good}")).len(), 1);
}

pub(crate) fn a_cursor_of_another_list_is_rejected(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    create(&ann, 3);
    create(&bob, 3);
    let queries = [
        "",
        "&sort=created_at",
        "&sort=-updated_at",
        "&sort=updated_at",
        "&is_completed=false",
        "&q=milk",
        "&q=mil",
        "&q=milk&is_completed=false",
        "&q=milk&sort=created_at",
    ];
    let cursors = queries.map(|query| cursor(&ann, query));
    for (query, good) in queries.iter().zip(&cursors) {
        for (other_query, other) in queries.iter().zip(&cursors) {
            let response = ann.get(format!("{TODOS}?limit=1{query}&cursor={other}"));
            if other_query == query {
                assert_eq!(response.expect(200)["count"], 1, "{query}");
            } else {
                response.expect_invalid_fields(&["cursor"]);
            }
        }
        bob.get(format!("{TODOS}?limit=1{query}&cursor={good}")).expect_invalid_fields(&["cursor"]);
    }
    // Equivalent queries are the same list.
    let same = format!("{TODOS}?limit=1&sort=-created_at&q=&cursor={}", cursors[0]);
    assert_eq!(ann.items(same).len(), 1);
    assert_eq!(ann.items(format!("{TODOS}?limit=1&q=MILK&cursor={}", cursors[5])).len(), 1);
}

pub(crate) fn a_cursor_works_with_any_page_size(api: Api) {
    let ann = api.user();
    create(&ann, 6);
    let whole = ann.items(TODOS);
    let cursor = cursor(&ann, "");
    for limit in [1, 3, 200] {
        let page = ann.items(format!("{TODOS}?limit={limit}&cursor={cursor}"));
        assert_eq!(page, whole[1..6.min(1 + limit)]);
    }
}

pub(crate) fn a_cursor_outlives_its_todo(api: Api) {
    let ann = api.user();
    create(&ann, 4);
    let whole = ann.items(TODOS);
    let cursor = cursor(&ann, "");
    for todo in &whole[..2] {
        ann.delete(path_of(todo)).expect(204);
    }
    let rest = ann.get(format!("{TODOS}?limit=9&cursor={cursor}")).expect(200);
    assert_eq!(rest["items"].as_array().unwrap(), &whole[2..]);
    assert_eq!(rest["next_cursor"], Value::Null);
}
