//! Long responses, compressed for clients that ask for it.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::support::{Api, Client, Response, TODOS, path_of};

/// What was compressed: one stream, and nothing behind it.
pub(crate) fn unzipped(stream: &[u8]) -> Vec<u8> {
    let mut read = Vec::new();
    let mut decoder = GzDecoder::new(stream);
    decoder.read_to_end(&mut read).unwrap();
    assert!(decoder.into_inner().is_empty(), "something stands behind the end");
    read
}

fn ask(user: &Client<'_>, method: &str, target: &str, accepted: &str) -> Response {
    user.call(method, target).header("Accept-Encoding", accepted).send_unchecked()
}

/// A user with so many todos of about 2 KiB.
fn user_with_todos(api: &Api, count: usize) -> Client<'_> {
    let user = api.user();
    for number in 0..count {
        let text = format!("{number} ").repeat(700).chars().take(1_900).collect::<String>();
        user.post(&json!({"title": format!("Number {number}"), "description": text})).expect(201);
    }
    user
}

fn check_list(user: &Client<'_>, target: &str) -> Response {
    let plain = user.get(target);
    assert_eq!(plain.header("content-encoding"), None);
    let zipped = ask(user, "GET", target, "gzip, deflate, br");
    assert_eq!((zipped.status, zipped.header("content-encoding")), (200, Some("gzip")));
    assert_eq!(zipped.header("content-type"), Some("application/json"));
    assert!(unzipped(&zipped.body) == plain.body);
    assert!(zipped.body.len() < plain.body.len() / 5, "{} bytes", zipped.body.len());
    // A cache has to tell them apart, and from the lists of others.
    for response in [&plain, &zipped] {
        let vary = response.header_list("vary");
        for name in ["accept-encoding", "x-user-id", "Origin"] {
            assert!(vary.contains(&name.to_owned()), "{vary:?}");
        }
    }
    zipped
}

pub(crate) fn a_long_list_is_compressed_if_the_client_accepts_it(api: Api) {
    let ann = user_with_todos(&api, 100);
    // As they are sent at once, with their length, and in parts, without.
    let page = check_list(&ann, &format!("{TODOS}?limit=20"));
    assert_eq!(page.header("content-length"), Some(&*page.body.len().to_string()));
    let whole = check_list(&ann, TODOS);
    assert_eq!(whole.header("content-length"), None);
    for target in [&format!("{TODOS}?limit=20"), TODOS] {
        let (get, head) = (ask(&ann, "GET", target, "gzip"), ask(&ann, "HEAD", target, "gzip"));
        assert_eq!(head.header("content-encoding"), Some("gzip"));
        assert_eq!(head.header("content-length"), get.header("content-length"));
        assert!(head.body.is_empty());
    }
}

pub(crate) fn without_accept_encoding_a_list_is_not_compressed(api: Api) {
    let ann = user_with_todos(&api, 3);
    let plain = ann.get(TODOS);
    for accepted in
        ["", "identity", "br, zstd", "gzip;q=0", "*;q=0", "identity, gzip;q=0.5", "gzipped"]
    {
        let response = ask(&ann, "GET", TODOS, accepted);
        assert_eq!(
            (response.status, response.header("content-encoding")),
            (200, None),
            "{accepted}"
        );
        assert_eq!(response.body, plain.body, "{accepted}");
    }
}

pub(crate) fn short_responses_are_not_compressed(api: Api) {
    let ann = api.user();
    ann.create("Short");
    let stats = format!("{TODOS}/stats");
    for target in [TODOS, &stats, "/health", "/nowhere"] {
        let response = ask(&ann, "GET", target, "gzip");
        assert_eq!(response.header("content-encoding"), None, "{target}");
        assert!(!response.header_list("vary").contains(&"accept-encoding".to_owned()), "{target}");
    }
}

/// A strong `ETag` identifies the exact bytes, and the `ETag` of a todo is its version, however it is sent.
pub(crate) fn a_todo_is_never_compressed_so_that_its_etag_stays_its_version(api: Api) {
    let ann = api.user();
    let todo = ann.post(&json!({"title": "Long", "description": "x".repeat(2_000)})).expect(201);
    let path = path_of(&todo);
    let sent = ask(&ann, "GET", &path, "gzip");
    assert_eq!((sent.header("etag"), sent.header("content-encoding")), (Some("\"1\""), None));
    assert_eq!(sent.json(), todo);
    let known = ann.call("GET", &path).header("Accept-Encoding", "gzip");
    assert_eq!(known.header("If-None-Match", "\"1\"").send().status, 304);
    let refused = ann.call("DELETE", &path).header("Accept-Encoding", "gzip");
    let refused = refused.header("If-Match", "\"2\"").send();
    assert_eq!((refused.status, &refused.json()["current"]), (412, &todo));
}

/// Whatever its parts are, the list is one.
pub(crate) fn a_compressed_streamed_list_has_each_todo_once(api: Api) {
    let ann = user_with_todos(&api, 300);
    let list = unzipped(&ask(&ann, "GET", TODOS, "gzip").body);
    let list: Value = serde_json::from_slice(&list).unwrap();
    let titles: Vec<_> = list["items"].as_array().unwrap().iter().map(|it| &it["title"]).collect();
    let expected: Vec<_> = (0..300).rev().map(|number| json!(format!("Number {number}"))).collect();
    assert!(titles.into_iter().eq(expected.iter()));
    assert_eq!(list["count"], 300);
}
