//! Many clients that request large lists and do not read the responses.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::json;
use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::http::{Client, Connection, HANG_TIMEOUT};
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::server;

const READERS: usize = 100;

const TODOS_PER_USER: usize = 1_300;

/// The maximum memory per client: a part of the list, the buffers of the connection, and allocator overhead.
const MAX_BYTES_PER_READER: u64 = 256 * 1024;

/// The same for a client that sends 16 requests at once, as short responses require. A compressor per response would take
/// 300 KiB more.
const MAX_BYTES_PER_READER_OF_16: u64 = 400 * 1024;

/// 12 KB of JSON.
fn many_bytes() -> String {
    "\u{1}".repeat(2_000)
}

/// As many, which compress to an eighth.
fn noise() -> String {
    let digits = (0..125).flat_map(|_| new_id().replace('-', "").into_bytes());
    let digits: Vec<_> = digits.map(|digit| char::from(digit).to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|it| char::from_u32(it[0] + it[1] + 1).unwrap()).collect()
}

/// A user with very long todos.
fn user_with_long_todos(server: &Server, text: fn() -> String) -> String {
    let user = new_id();
    let mut client = Client::new(server.port(), &user);
    for _ in 0..TODOS_PER_USER {
        let todo = json!({"title": "Long", "description": text()});
        assert_eq!(client.call("POST", TODOS, Some(&todo)).unwrap().status, 201);
    }
    user
}

/// What the clients request, and the text of the todos.
#[derive(Clone, Copy)]
struct Readers {
    query: &'static str,
    accepted: &'static str,
    /// Requests per client.
    times: usize,
    max_bytes: u64,
    text: fn() -> String,
}

const PLAIN: Readers = Readers {
    query: "",
    accepted: "identity",
    times: 4,
    max_bytes: MAX_BYTES_PER_READER,
    text: many_bytes,
};
const COMPRESSED: Readers = Readers {
    query: "",
    accepted: "gzip",
    times: 16,
    max_bytes: MAX_BYTES_PER_READER_OF_16,
    text: noise,
};

/// Sends requests, and leaves the responses unread.
fn ask(server: &Server, user: &str, readers: Readers) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    // A small buffer, so that little data is in transit.
    socket.set_recv_buffer_size(4_096).unwrap();
    let address: std::net::SocketAddr = ([127, 0, 0, 1], server.port()).into();
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(HANG_TIMEOUT)).unwrap();
    let Readers { query, accepted, times, .. } = readers;
    let head = format!(
        "GET {TODOS}{query} HTTP/1.1\r\nHost: test\r\nX-User-ID: {user}\r\nAccept-Encoding: {accepted}\r\n\r\n"
    );
    // Several times, because the system's buffers hold a page.
    stream.write_all(head.repeat(times).as_bytes()).unwrap();
    stream
}

/// The status of a response whose start has arrived.
fn status(stream: &mut TcpStream) -> u16 {
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    str::from_utf8(&start[9..]).unwrap().parse().unwrap()
}

fn cost_little(database: &TestDatabase, kind: Readers) {
    let server = server(database.url());
    let user = user_with_long_todos(&server, kind.text);
    // The one-time cost of the first responses does not count.
    let whole = ask(&server, &user, kind);
    Connection::from(whole).receive(false).unwrap();
    let Some(before) = server.rss_bytes() else { return };
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut reader = ask(&server, &user, kind);
        assert_eq!(status(&mut reader), 200);
        readers.push(reader);
    }
    let mut most = 0;
    // Until the socket buffers are full.
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(100));
        most = most.max(server.rss_bytes().unwrap().saturating_sub(before));
    }
    assert!(most < READERS as u64 * kind.max_bytes, "{} KiB each", most / 1024 / READERS as u64);
}

#[test]
fn whole_lists_are_bounded_in_bytes_on_sqlite() {
    cost_little(&TestDatabase::sqlite(), PLAIN);
}

#[test]
fn whole_lists_are_bounded_in_bytes_on_postgres() {
    let Some(database) = TestDatabase::postgres() else { return };
    cost_little(&database, PLAIN);
}

#[test]
fn pages_are_bounded_in_bytes_on_sqlite() {
    cost_little(&TestDatabase::sqlite(), Readers { query: "?limit=200", ..PLAIN });
}

#[test]
fn pages_are_bounded_in_bytes_on_postgres() {
    let Some(database) = TestDatabase::postgres() else { return };
    cost_little(&database, Readers { query: "?limit=200", ..PLAIN });
}

#[test]
fn compressed_lists_are_bounded_in_bytes_on_sqlite() {
    cost_little(&TestDatabase::sqlite(), COMPRESSED);
}

#[test]
fn compressed_lists_are_bounded_in_bytes_on_postgres() {
    let Some(database) = TestDatabase::postgres() else { return };
    cost_little(&database, COMPRESSED);
}

#[test]
fn compressed_pages_are_bounded_in_bytes_on_sqlite() {
    cost_little(&TestDatabase::sqlite(), Readers { query: "?limit=200", ..COMPRESSED });
}

#[test]
fn compressed_pages_are_bounded_in_bytes_on_postgres() {
    let Some(database) = TestDatabase::postgres() else { return };
    cost_little(&database, Readers { query: "?limit=200", ..COMPRESSED });
}
