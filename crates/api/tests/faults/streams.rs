//! Event streams when there are several processes, and when one of them, or a client, goes away.

use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::events::EventStream;
use crate::support::http::{Client, HANG_TIMEOUT};
use crate::support::ledger::{TODOS, new_id};
use crate::support::pooler::Pooler;
use crate::support::setup::{cluster, server, server_with};
use crate::support::wait::until;

/// Much longer than any test runs.
const ENDLESS: [(&str, &str); 2] = [("SHUTDOWN_DELAY", "0s"), ("SHUTDOWN_TIMEOUT", "1h")];

/// As many streams as a user may have.
const PER_USER: usize = 16;

fn open(server: &Server, user: &str) -> EventStream {
    EventStream::open(server.port(), "", &[("X-User-ID", user)])
}

fn create(server: &Server, user: &str) {
    let todo = serde_json::json!({"title": "News"});
    let response = Client::new(server.port(), user).call("POST", TODOS, Some(&todo)).unwrap();
    response.expect(201);
}

/// A change that one server makes is an event of the other's streams, of the same user only.
fn changes_cross(servers: &[Server; 2]) {
    let (ann, ben) = (new_id(), new_id());
    let mut streams = servers.each_ref().map(|it| open(it, &ann));
    let mut bens = open(&servers[0], &ben);
    for server in servers {
        create(server, &ann);
        let [first, second] = streams.each_mut().map(EventStream::next_event);
        assert_eq!(first, second);
    }
    create(&servers[1], &ben);
    assert!(!streams[0].head().is_empty());
    assert_eq!(bens.next_event().name, "change");
}

#[test]
fn a_change_by_another_process_is_an_event_on_sqlite() {
    let database = TestDatabase::sqlite();
    changes_cross(&[server(database.url()), server(database.url())]);
}

#[test]
fn a_change_by_another_process_is_an_event_on_postgres() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    changes_cross(&[server(&url), server(&url)]);
}

#[test]
fn a_change_by_another_process_is_an_event_behind_a_pooler() {
    let Some(program) = Pooler::find() else { return };
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let pooler = Pooler::start(&program, &cluster, &url, "transaction", 4);
    changes_cross(&[server(&pooler.url()), server(&pooler.url())]);
}

#[test]
fn a_change_by_another_process_is_an_event_with_notifications() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let settings = [("DATABASE_EVENTS_URL", url.as_str())];
    changes_cross(&[server_with(&url, &settings), server_with(&url, &settings)]);
}

#[test]
fn nobody_listens_in_the_database_while_no_stream_is_open() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server_with(&url, &[("DATABASE_EVENTS_URL", url.as_str())]);
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'";
    assert_eq!(cluster.psql("postgres", listening), "0");
    let stream = open(&server, &new_id());
    until("it to listen", || cluster.psql("postgres", listening) == "1");
    drop(stream);
    until("it to listen no more", || cluster.psql("postgres", listening) == "0");
}

#[test]
fn a_change_by_a_process_that_was_killed_right_after_it_is_an_event() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let ann = new_id();
    let first = server(&url);
    let mut stream = open(&first, &ann);
    for _ in 0..3 {
        let second = server(&url);
        create(&second, &ann);
        second.kill();
        assert_eq!(stream.next_event().name, "change");
    }
}

#[test]
fn an_idle_stream_has_a_comment_now_and_then() {
    let database = TestDatabase::sqlite();
    let server = server(database.url());
    let mut stream = open(&server, &new_id());
    let mut blocks = std::iter::from_fn(|| stream.next_block());
    assert!(blocks.any(|block| block == ":"));
}

/// Opens so many idle streams, of many users.
fn open_streams(server: &Server, count: usize) -> Vec<EventStream> {
    let users: Vec<_> = (0..count.div_ceil(PER_USER)).map(|_| new_id()).collect();
    (0..count).map(|number| open(server, &users[number / PER_USER])).collect()
}

#[test]
fn sigterm_waits_for_no_stream() {
    const STREAMS: usize = 1_000;
    let database = TestDatabase::sqlite();
    rlimit::increase_nofile_limit(2 * STREAMS as u64).unwrap();
    let server = server_with(database.url(), &ENDLESS);
    let mut streams = open_streams(&server, STREAMS);
    server.terminate();
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    for stream in &mut streams {
        while stream.next_block().is_some() {}
    }
}

#[test]
fn idle_streams_take_little_memory() {
    const STREAMS: usize = 1_000;
    // 150 MiB for 10,000, and some for the allocator.
    const MAX_BYTES: u64 = 20 * 1024;
    memory_of_streams(STREAMS, MAX_BYTES);
}

#[test]
#[ignore = "takes 20,000 open files; for a release build"]
fn ten_thousand_idle_streams_take_less_than_150_mib() {
    memory_of_streams(10_000, 15 * 1024);
}

fn memory_of_streams(count: usize, max_bytes: u64) {
    let database = TestDatabase::sqlite();
    rlimit::increase_nofile_limit(count as u64 + 1_000).unwrap();
    let server = server_with(database.url(), &[("MAX_CONNECTIONS", "10100")]);
    let warm_up = open_streams(&server, 100);
    let Some(before) = server.rss_bytes() else { return };
    let streams = open_streams(&server, count - warm_up.len());
    let after = server.rss_bytes().unwrap();
    let per_stream = (after - before) / streams.len() as u64;
    assert!(per_stream <= max_bytes, "{per_stream} bytes each, {} MiB in all", after >> 20);
}
