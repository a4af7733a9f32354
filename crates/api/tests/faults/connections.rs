//! Client connections: their idle timeout and their maximum number.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::http::{Client, connect};
use crate::support::ledger::new_id;
use crate::support::setup::server_with;

#[test]
fn an_idle_connection_outlives_the_idle_timeout_of_load_balancers() {
    let database = TestDatabase::sqlite();
    let server = server_with(database.url(), &[]);
    let mut stream = open(&server);
    assert_eq!(status(&mut stream), 200);
    // Longer than the timeout of a request: the connection is idle.
    thread::sleep(Duration::from_secs(62));
    ask(&mut stream);
    assert_eq!(status(&mut stream), 200);
}

#[test]
fn an_idle_connection_is_closed_after_the_configured_timeout() {
    let database = TestDatabase::sqlite();
    for keep_alive in ["1s", "0s"] {
        let server = server_with(database.url(), &[("KEEP_ALIVE", keep_alive)]);
        let mut stream = open(&server);
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        assert!(response.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&response));
    }
}

#[test]
fn a_connection_over_the_limit_waits_until_another_is_closed() {
    let database = TestDatabase::sqlite();
    let few = [("MAX_CONNECTIONS", "4"), ("HTTP_WORKERS", "2")];
    let server = server_with(database.url(), &few);
    let mut connected: Vec<_> = (0..4).map(|_| open(&server)).collect();
    assert!(connected.iter_mut().all(|stream| status(stream) == 200));
    let mut waiting = open(&server);
    waiting.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    assert_eq!(waiting.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    // Connected clients are served as before.
    ask(&mut connected[0]);
    assert_eq!(status(&mut connected[0]), 200);

    drop(connected.pop());
    waiting.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    assert_eq!(status(&mut waiting), 200);
    assert!(Client::new(server.port(), &new_id()).connect().is_ok());
}

/// Opens a connection and sends a request on it.
fn open(server: &Server) -> TcpStream {
    let mut stream = connect(([127, 0, 0, 1], server.port()).into()).unwrap();
    ask(&mut stream);
    stream
}

fn ask(stream: &mut TcpStream) {
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
}

/// The status of the next response, which is short.
fn status(stream: &mut TcpStream) -> u16 {
    let mut response = Vec::new();
    while !response.ends_with(b"\"}") {
        let mut bytes = [0; 1024];
        let length = stream.read(&mut bytes).unwrap();
        assert!(length > 0, "the connection was closed");
        response.extend_from_slice(&bytes[..length]);
    }
    str::from_utf8(&response).unwrap().split(' ').nth(1).unwrap().parse().unwrap()
}
