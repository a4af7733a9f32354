//! Pages: `limit`, `sort`, `next_cursor` and the `Link` header.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::{Api, Client, Response, TODOS, id_of, path_of};

const ORDERS: [&str; 4] = ["-created_at", "created_at", "-updated_at", "updated_at"];

/// The target of the `Link` header, which must agree with `next_cursor`.
fn next(response: &Response) -> Option<String> {
    let list = response.expect(200);
    let Some(link) = response.header("link") else {
        assert_eq!(list["next_cursor"], Value::Null);
        return None;
    };
    let target = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    let cursor = list["next_cursor"].as_str().unwrap();
    assert!(target.contains(&format!("cursor={cursor}")), "{link} and {cursor}");
    Some(target.to_owned())
}

/// All pages of a list, starting with the first.
fn pages(client: &Client<'_>, target: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut target = Some(target.to_owned());
    while let Some(page) = target {
        let response = client.get(page);
        let items = response.expect(200)["items"].as_array().unwrap().clone();
        assert_eq!(response.json()["count"], items.len());
        pages.push(items);
        target = next(&response);
    }
    pages
}

pub(crate) fn pages_make_up_the_whole_list_in_every_order(api: Api) {
    let ann = api.user();
    let todos: Vec<_> = (0..12).map(|number| ann.create(&format!("Milk {number}"))).collect();
    for todo in todos.iter().step_by(3) {
        ann.patch(path_of(todo), &json!({"is_completed": true})).expect(200);
    }
    api.user().create("Milk of another");
    for order in ORDERS {
        for filter in
            ["", "&is_completed=true", "&is_completed=false", "&q=MILK", "&q=1&is_completed=false"]
        {
            let query = format!("{TODOS}?sort={order}{filter}");
            let whole = ann.items(&query);
            assert!(!whole.is_empty());
            for limit in [1, 2, 5, 12, 200] {
                let pages = pages(&ann, &format!("{query}&limit={limit}"));
                let (last, full) = pages.split_last().unwrap();
                assert!(full.iter().all(|page| page.len() == limit) && last.len() <= limit);
                assert_eq!(pages.concat(), whole, "{query} by {limit}");
            }
        }
    }
}

pub(crate) fn the_last_page_says_so_even_when_it_is_full(api: Api) {
    let ann = api.user();
    let target = format!("{TODOS}?limit=2");
    assert_eq!(pages(&ann, &target), [Vec::<Value>::new()]);
    for (todos, expected) in [(1, 1), (2, 1), (3, 2), (4, 2)] {
        ann.create(&format!("Number {todos}"));
        assert_eq!(pages(&ann, &target).len(), expected, "{todos} todos");
    }
}

pub(crate) fn the_link_header_keeps_order_filter_and_size(api: Api) {
    let ann = api.user();
    for _ in 0..3 {
        ann.create("Salt & vinegar? 100% \"crisps\" <ß>");
    }
    ann.create("Another");
    let term = "q=%26+VINEGAR%3F+100%25+%22CRISPS%22+%3CSS%3E";
    let target = format!("{TODOS}?limit=1&{term}&sort=created_at&is_completed=false");
    let link = next(&ann.get(&target)).unwrap();
    assert!(link.starts_with(&format!("{TODOS}?")) && link.is_ascii(), "{link}");
    assert!(!link.contains(['<', '>', '"', ' ']), "{link}");
    let found = pages(&ann, &target);
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
    assert!(found[0][0]["created_at"].as_str() <= found[2][0]["created_at"].as_str());
}

pub(crate) fn lasting_todos_are_listed_once_while_others_come_and_go(api: Api) {
    let (ann, is_over) = (api.user(), AtomicBool::new(false));
    let lasting: Vec<_> = (0..30)
        .map(|number| {
            ann.create("Passing");
            ann.create(&format!("Lasting {number}"))
        })
        .collect();
    let passing = ann.items(format!("{TODOS}?q=passing"));
    thread::scope(|scope| {
        // Set even if an assertion below fails, because the scope waits for its threads.
        let _over = SetOnDrop(&is_over);
        scope.spawn(|| {
            for todo in &passing {
                ann.delete(path_of(todo)).expect(204);
                ann.create("Passing");
            }
            while !is_over.load(Ordering::Relaxed) {
                let todo = ann.create("Passing");
                ann.delete(path_of(&todo)).expect(204);
            }
        });
        for order in ORDERS.into_iter().cycle().take(8) {
            let seen = pages(&ann, &format!("{TODOS}?sort={order}&limit=3")).concat();
            let ids: HashSet<_> = seen.iter().map(id_of).collect();
            assert_eq!(ids.len(), seen.len(), "seen twice by {order}");
            let mut last: Vec<_> = seen.into_iter().filter(|it| lasting.contains(it)).collect();
            if order.starts_with('-') {
                last.reverse();
            }
            assert_eq!(last, lasting, "by {order}");
        }
    });
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn each_order_is_kept(api: Api) {
    let ann = api.user();
    let todos: Vec<_> = ["one", "two", "three"].map(|title| ann.create(title)).into();
    ann.patch(path_of(&todos[0]), &json!({"is_completed": true})).expect(200);
    for (order, titles) in [
        ("-created_at", ["three", "two", "one"]),
        ("created_at", ["one", "two", "three"]),
        ("-updated_at", ["one", "three", "two"]),
        ("updated_at", ["two", "three", "one"]),
    ] {
        assert_eq!(ann.titles(format!("{TODOS}?sort={order}")), titles, "{order}");
    }
}

pub(crate) fn a_cursor_without_a_limit_returns_the_rest(api: Api) {
    let ann = api.user();
    for number in 0..5 {
        ann.create(&format!("Number {number}"));
    }
    let whole = ann.items(TODOS);
    let first = ann.get(format!("{TODOS}?limit=2")).expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(ann.items(format!("{TODOS}?cursor={cursor}")), whole[2..]);
}
