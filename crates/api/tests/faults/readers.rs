//! Clients that ask for much and read nothing, many at once.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::json;
use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::http::{Client, read_answer};
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::server;

/// Ends a hang.
const LONG: Duration = Duration::from_secs(60);

const READERS: usize = 100;

/// 12 KB of JSON each.
const TODOS_OF_12_KB: usize = 1_300;

/// What one of them may cost: a part of the list, the buffers of the connection, and what the allocator makes of it.
const COST: u64 = 256 * 1024;

/// A user with very long todos.
fn user_with_long_todos(server: &Server) -> String {
    let user = new_id();
    let mut client = Client::new(server.port(), &user);
    let todo = json!({"title": "Long", "description": "\u{1}".repeat(2_000)});
    for _ in 0..TODOS_OF_12_KB {
        assert_eq!(client.call("POST", TODOS, Some(&todo)).unwrap().status, 201);
    }
    user
}

/// Has asked, and reads no more than the first bytes of the answer.
fn ask(server: &Server, user: &str, query: &str) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    // So that little is on its way.
    socket.set_recv_buffer_size(4_096).unwrap();
    let address: std::net::SocketAddr = ([127, 0, 0, 1], server.port()).into();
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(LONG)).unwrap();
    let head = format!("GET {TODOS}{query} HTTP/1.1\r\nHost: test\r\nX-User-ID: {user}\r\n\r\n");
    // Several times, because the system's buffers hold a page.
    stream.write_all(head.repeat(4).as_bytes()).unwrap();
    stream
}

/// The status of an answer that has begun.
fn status(stream: &mut TcpStream) -> u16 {
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    str::from_utf8(&start[9..]).unwrap().parse().unwrap()
}

fn readers_cost_little(database: &TestDatabase, query: &str) {
    let server = server(database.url());
    let user = user_with_long_todos(&server);
    // What the first answers cost once is no matter here.
    let whole = ask(&server, &user, query);
    read_answer(&mut BufReader::new(whole), false).unwrap();
    let Some(before) = server.rss_bytes() else { return };
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut reader = ask(&server, &user, query);
        assert_eq!(status(&mut reader), 200);
        readers.push(reader);
    }
    let mut most = 0;
    // Until the buffers on the way are full.
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(100));
        most = most.max(server.rss_bytes().unwrap().saturating_sub(before));
    }
    assert!(most < READERS as u64 * COST, "{} KiB each", most / 1024 / READERS as u64);
}

#[test]
fn whole_lists_are_bounded_in_bytes_on_sqlite() {
    readers_cost_little(&TestDatabase::sqlite(), "");
}

#[test]
fn whole_lists_are_bounded_in_bytes_on_postgres() {
    let Some(database) = TestDatabase::postgres() else { return };
    readers_cost_little(&database, "");
}

#[test]
fn pages_are_bounded_in_bytes_on_sqlite() {
    readers_cost_little(&TestDatabase::sqlite(), "?limit=200");
}

#[test]
fn pages_are_bounded_in_bytes_on_postgres() {
    let Some(database) = TestDatabase::postgres() else { return };
    readers_cost_little(&database, "?limit=200");
}
