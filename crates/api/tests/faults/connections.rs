//! Client connections: their idle timeout and their maximum number.

use std::io::{ErrorKind, Read};
use std::thread;
use std::time::Duration;

use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::http::{Client, Connection, HANG_TIMEOUT};
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
        stream.stream().read_to_end(&mut response).unwrap();
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
    waiting.stream().set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    assert_eq!(waiting.stream().read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    // Connected clients are served as before.
    ask(&mut connected[0]);
    assert_eq!(status(&mut connected[0]), 200);

    drop(connected.pop());
    waiting.stream().set_read_timeout(Some(HANG_TIMEOUT)).unwrap();
    assert_eq!(status(&mut waiting), 200);
    assert!(Client::new(server.port(), &new_id()).connect().is_ok());
}

/// Opens a connection and sends a request on it.
fn open(server: &Server) -> Connection {
    let mut connection = Connection::open(server.port()).unwrap();
    ask(&mut connection);
    connection
}

fn ask(connection: &mut Connection) {
    connection.send(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
}

/// The status of the next response.
fn status(connection: &mut Connection) -> u16 {
    connection.receive(false).unwrap().status
}
