//! Event streams. What two processes tell each other is in `faults/streams.rs`.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use todo_test_support::clients::events::{Event, EventStream};
use todo_test_support::clients::http::HANG_TIMEOUT;
use todo_test_support::database::TestDatabase;
use todo_test_support::issuer::unix_time;
use uuid::Uuid;

use crate::support::{Api, Client, EVENTS, TODOS, path_of, todo_path};

/// Opens a user's stream.
#[track_caller]
fn open(api: &Api, user: &Client<'_>, query: &str, headers: &[(&str, &str)]) -> EventStream {
    let headers = [&[user.credentials()], headers].concat();
    EventStream::open(api.server.port(), query, &headers)
}

/// The user's present token. What the server cannot read it takes for old.
#[track_caller]
fn present(api: &Api, user: &Client<'_>) -> String {
    open(api, user, "", &[("Last-Event-ID", "old")]).next_event().id
}

/// Expects a well-formed event, and returns its token.
#[track_caller]
fn token(event: &Event) -> &str {
    assert_eq!(event.name, "change");
    assert_eq!(event.data, json!({"next": event.id}).to_string());
    &event.id
}

pub(crate) fn every_kind_of_write_is_an_event(api: Api) {
    let ann = api.user();
    let mut tokens = vec![present(&api, &ann)];
    let mut stream = open(&api, &ann, "", &[]);
    let mut expect_event = |what: &str| {
        let event = stream.next_event();
        assert!(!tokens.contains(&event.id), "{what}: {event:?}");
        tokens.push(token(&event).to_owned());
        // It is the present token.
        assert_eq!(present(&api, &ann), event.id, "{what}");
    };
    let todo = ann.create("One");
    expect_event("create");
    ann.patch(path_of(&todo), &json!({"is_completed": true})).expect(200);
    expect_event("patch");
    let whole = json!({"title": "Two", "description": null, "is_completed": false});
    let path = todo_path(&Uuid::now_v7().to_string());
    ann.put(&path, &whole).expect(201);
    expect_event("put of a new todo");
    ann.put(path_of(&todo), &whole).expect(200);
    expect_event("put of an existing todo");
    assert_eq!(ann.delete(path_of(&todo)).status, 204);
    expect_event("delete");
    ann.patch(format!("{TODOS}?all=true"), &json!({"is_completed": true})).expect(200);
    expect_event("bulk update");
    ann.delete(format!("{TODOS}?all=true")).expect(200);
    expect_event("bulk delete");
}

pub(crate) fn a_client_that_is_behind_hears_at_once(api: Api) {
    let ann = api.user();
    let before = present(&api, &ann);
    ann.create("While nobody listens");
    let now = present(&api, &ann);
    assert_ne!(before, now);
    let query = format!("?since={before}");
    assert_eq!(token(&open(&api, &ann, &query, &[]).next_event()), now);
    assert_eq!(token(&open(&api, &ann, "", &[("Last-Event-ID", &before)]).next_event()), now);

    // One that is not behind hears of the next change only.
    let mut streams = [
        open(&api, &ann, &format!("?since={now}"), &[]),
        open(&api, &ann, "", &[("Last-Event-ID", &now)]),
        open(&api, &ann, "", &[]),
    ];
    ann.create("While they listen");
    let next = present(&api, &ann);
    for stream in &mut streams {
        assert_eq!(token(&stream.next_event()), next);
    }
}

pub(crate) fn the_last_event_id_takes_precedence(api: Api) {
    let ann = api.user();
    let before = present(&api, &ann);
    ann.create("One");
    let now = present(&api, &ann);
    let mut known = open(&api, &ann, &format!("?since={before}"), &[("Last-Event-ID", &now)]);
    ann.create("Two");
    assert_eq!(known.next_event().id, present(&api, &ann));
}

pub(crate) fn a_damaged_token_is_rejected_only_in_the_query(api: Api) {
    let (ann, ben) = (api.user(), api.user());
    let bens = present(&api, &ben);
    let now = present(&api, &ann);
    for damaged in ["", "x", &now[1..], &bens, "%00"] {
        let response = ann.get(format!("{EVENTS}?since={damaged}"));
        let messages = response.expect_invalid_fields(&["since"]);
        assert_eq!(messages, ["must be a token that this API returned to the same user"]);
    }
    ann.get(format!("{EVENTS}?since={now}&since={now}")).expect_invalid_fields(&["since"]);
    for damaged in ["x", &bens, "\u{fc}"] {
        let mut stream = open(&api, &ann, "", &[("Last-Event-ID", damaged)]);
        assert_eq!(token(&stream.next_event()), now, "it may be behind");
    }
}

pub(crate) fn another_users_change_is_no_event(api: Api) {
    let (ann, ben) = (api.user(), api.user());
    let mut stream = open(&api, &ann, "", &[]);
    let todo = ben.create("Ben's");
    ben.patch(path_of(&todo), &json!({"title": "Still Ben's"})).expect(200);
    ben.delete(format!("{TODOS}?all=true")).expect(200);
    ann.create("Ann's");
    assert_eq!(stream.next_event().id, present(&api, &ann));
}

pub(crate) fn a_write_that_changes_nothing_is_no_event(api: Api) {
    let ann = api.user();
    let todo = ann.create("One");
    let now = present(&api, &ann);
    let mut stream = open(&api, &ann, &format!("?since={now}"), &[]);
    ann.patch(path_of(&todo), &json!({"title": "One"})).expect(200);
    ann.delete(todo_path(&Uuid::now_v7().to_string())).expect_not_found();
    assert_eq!(ann.post(&json!({"title": ""})).status, 422);
    assert_eq!(present(&api, &ann), now);
    ann.create("Two");
    assert_eq!(stream.next_event().id, present(&api, &ann));
}

pub(crate) fn a_stream_is_neither_cached_buffered_nor_compressed(api: Api) {
    let ann = api.user();
    let mut stream = open(&api, &ann, "", &[("Accept-Encoding", "gzip"), ("Origin", "null")]);
    for header in [
        "content-type: text/event-stream\r\n",
        "cache-control: no-store, no-transform\r\n",
        "x-accel-buffering: no\r\n",
        "x-request-id: ",
    ] {
        assert!(stream.head().contains(header), "{header} in {}", stream.head());
    }
    assert!(!stream.head().contains("content-encoding"), "{}", stream.head());
    let retry = stream.next_block().unwrap();
    let millis: u32 = retry.strip_prefix("retry: ").unwrap().parse().unwrap();
    assert!((1_000..=3_000).contains(&millis), "{retry}");
    let head = ann.head(EVENTS);
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
}

/// A stream that its client has closed makes room for another.
pub(crate) fn a_user_has_at_most_sixteen_streams(api: Api) {
    let (ann, ben) = (api.user(), api.user());
    let mut streams: Vec<_> = (0..16).map(|_| open(&api, &ann, "", &[])).collect();
    let response = ann.get(EVENTS);
    let detail = "Too many event streams: at most 16 for each user";
    response.expect_error(429, "TOO_MANY_STREAMS", detail);
    assert_eq!(response.header("retry-after"), Some("10"));
    drop(open(&api, &ben, "", &[]));
    streams.pop();
    wait_for_room(&ann);
}

pub(crate) fn the_number_of_streams_is_limited(database: TestDatabase) {
    let api = Api::start(database, &[("MAX_STREAMS", "2")]);
    let users = [api.user(), api.user()];
    let streams = users.each_ref().map(|it| open(&api, it, "", &[]));
    let third = api.user();
    let detail = "Too many event streams: at most 2 are open";
    third.get(EVENTS).expect_error(429, "TOO_MANY_STREAMS", detail);
    // Everything else is served.
    third.create("No stream");
    drop(streams);
    wait_for_room(&third);
}

fn wait_for_room(user: &Client<'_>) {
    let start = Instant::now();
    while user.get(EVENTS).status == 429 {
        assert!(start.elapsed() < HANG_TIMEOUT, "a closed stream is still counted");
        thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn a_stream_ends_when_the_token_expires(database: TestDatabase) {
    let api = Api::with_tokens(database);
    let issuer = api.issuer.as_ref().unwrap();
    let mut claims = issuer.claims("ann");
    claims["exp"] = json!(unix_time() + 1);
    let authorization = format!("Bearer {}", issuer.sign(&claims));
    let port = api.server.port();
    let mut stream = EventStream::open(port, "", &[("Authorization", &authorization)]);
    while stream.next_block().is_some() {}
}
