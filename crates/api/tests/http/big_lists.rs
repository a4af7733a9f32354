//! Lists without a limit, of any length.

use std::collections::HashSet;
use std::io::Read;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Api, Client, TODOS, database, id_of};

const CONNECTIONS: usize = 8;

/// Creates this many todos, over several connections concurrently.
fn create(client: &Client<'_>, count: usize) {
    thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            scope.spawn(move || {
                for number in (connection..count).step_by(CONNECTIONS) {
                    let body = json!({"title": format!("Number {number}"), "description": "x".repeat(100)});
                    client.post(&body).expect(201);
                }
            });
        }
    });
}

/// Panics unless the list contains each todo once, newest first.
fn check(items: &[Value], count: usize) {
    assert_eq!(items.len(), count);
    let ids: HashSet<_> = items.iter().map(id_of).collect();
    assert_eq!(ids.len(), count, "duplicates");
    let key = |it: &Value| (it["created_at"].as_str().unwrap().to_owned(), id_of(it).to_owned());
    assert!(items.windows(2).all(|pair| key(&pair[0]) > key(&pair[1])), "out of order");
}

pub(crate) fn a_list_of_any_length_is_complete_and_in_order(api: Api) {
    let ann = api.user();
    create(&ann, 1_100);
    api.user().create("Another's");
    let response = ann.get(TODOS);
    let list = response.expect(200);
    let items = list["items"].as_array().unwrap();
    check(items, 1_100);
    assert_eq!((&list["count"], &list["next_cursor"]), (&json!(1_100), &Value::Null));
    assert_eq!(response.header("link"), None);

    let mut oldest_first = ann.items(format!("{TODOS}?sort=created_at&is_completed=false"));
    oldest_first.reverse();
    assert_eq!(oldest_first, *items);
    assert_eq!(ann.items(format!("{TODOS}?q=number")), *items);
    assert!(ann.head(TODOS).body.is_empty());
}

pub(crate) fn parts_of_a_list_join_without_gaps(api: Api) {
    let ann = api.user();
    create(&ann, 499);
    for count in [499, 500, 501, 502] {
        check(&ann.items(TODOS), count);
        ann.create("One more");
    }
    create(&ann, 497);
    for count in [1_000, 1_001] {
        check(&ann.items(TODOS), count);
        ann.create("One more");
    }
}

pub(crate) fn long_texts_are_complete_in_lists_and_pages(api: Api) {
    let ann = api.user();
    // 12 KB of JSON per todo.
    let body = json!({"title": "Long", "description": "\u{1}".repeat(2_000)});
    ann.post(&body).expect(201);
    database::duplicate(api.database.as_ref().unwrap(), 449);
    check(&ann.items(TODOS), 450);

    let (mut items, mut path) = (Vec::new(), format!("{TODOS}?limit=200"));
    loop {
        let response = ann.get(path);
        let page = response.expect(200);
        assert_eq!(page["count"], page["items"].as_array().unwrap().len());
        items.extend_from_slice(page["items"].as_array().unwrap());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        assert_eq!(page["count"], 200);
        path = format!("{TODOS}?limit=200&cursor={cursor}");
        assert_eq!(response.header("link"), Some(&*format!("<{path}>; rel=\"next\"")));
    }
    check(&items, 450);
}

pub(crate) fn clients_that_disconnect_midway_do_no_harm(api: Api) {
    let ann = api.user();
    create(&ann, 1_100);
    for _ in 0..40 {
        let mut connection = api.raw("GET", TODOS).header("X-User-ID", ann.id()).open();
        let mut start = [0; 64];
        connection.stream().read_exact(&mut start).unwrap();
        assert!(start.starts_with(b"HTTP/1.1 200"));
    }
    // All four database connections have been returned to the pool.
    for _ in 0..8 {
        ann.create("Still served");
    }
    check(&ann.items(TODOS), 1_108);
    let logs = api.server.logs();
    assert!(!logs.iter().any(|line| line.contains("\"ERROR\"")), "{logs:#?}");
}

pub(crate) fn a_slow_reader_of_a_huge_list_costs_little_memory(api: Api) {
    const COPIES: u32 = 30_000;
    let ann = api.user();
    let body = json!({"title": "x".repeat(255), "description": "x".repeat(2_000)});
    ann.post(&body).expect(201);
    database::duplicate(api.database.as_ref().unwrap(), COPIES);
    let Some(before) = api.server.rss_bytes() else { return };
    let mut most = before;

    let mut connection = api.raw("GET", TODOS).header("X-User-ID", ann.id()).open();
    let (mut total, mut end) = (0, Vec::new());
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = connection.stream().read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        if total == 0 {
            // Enough time to read the whole list, for a server that did not wait for its reader.
            thread::sleep(Duration::from_millis(700));
        }
        if total >> 23 != (total + read) >> 23 {
            most = most.max(api.server.rss_bytes().unwrap());
        }
        total += read;
        end.extend_from_slice(&buffer[..read]);
        end.drain(..end.len().saturating_sub(200));
    }
    let end = String::from_utf8_lossy(&end);
    assert!(end.contains(&format!("\"count\":{},\"next_cursor\":null}}", COPIES + 1)), "{end}");
    let megabytes = |bytes: u64| bytes >> 20;
    assert!(total > 60 << 20, "{total}");
    assert!(megabytes(most - before) < 32, "{} to {} MB", megabytes(before), megabytes(most));
}
