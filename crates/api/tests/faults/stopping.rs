//! SIGTERM under load: the server completes accepted requests.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::balancer::Balancer;
use crate::support::http::{Client, Connection, HANG_TIMEOUT};
use crate::support::ledger::{TODOS, new_id};
use crate::support::load::{Load, Plan};
use crate::support::program::free_port;
use crate::support::setup::{cluster, name, server_with};

const CLIENTS: usize = 16;

/// Long enough for clients on a busy machine to notice the shutdown, and for the server to complete its requests.
const LONG_SHUTDOWN: [(&str, &str); 2] = [("SHUTDOWN_DELAY", "5s"), ("SHUTDOWN_TIMEOUT", "60s")];

/// How long the server keeps idle connections open.
const DRAIN_TIME: Duration = Duration::from_millis(500);

#[test]
fn every_accepted_request_is_completed_after_sigterm() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server_with(&url, &LONG_SHUTDOWN);
    // All of them are in progress until the server has closed its listening socket.
    let mut lock = cluster.session(name(&url));
    lock.run("BEGIN; LOCK TABLE todos");
    let request = |_| {
        let mut connection = Connection::open(server.port()).unwrap();
        let head = format!("GET {TODOS} HTTP/1.1\r\nHost: test\r\nX-User-ID: {}\r\n\r\n", new_id());
        connection.send(head.as_bytes()).unwrap();
        connection
    };
    let connections: Vec<_> = (0..CLIENTS).map(request).collect();
    server.terminate();
    wait_until_connections_are_refused(&server);
    lock.run("COMMIT");
    for mut connection in connections {
        let response = connection.receive(false).unwrap();
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.header("connection"), Some("close"));
    }
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
}

#[test]
fn a_client_that_honours_connection_close_sees_no_error_on_sqlite() {
    let database = TestDatabase::sqlite();
    stop_with_well_behaved_clients(&server_with(database.url(), &LONG_SHUTDOWN));
}

#[test]
fn a_client_that_honours_connection_close_sees_no_error_on_postgres() {
    let Some(cluster) = cluster() else { return };
    stop_with_well_behaved_clients(&server_with(&cluster.create_database(), &LONG_SHUTDOWN));
}

fn stop_with_well_behaved_clients(server: &Server) {
    let load = Load::start(server.port(), Plan::lists_until_closed(CLIENTS));
    load.wait_for_successes(500, HANG_TIMEOUT);
    let signalled = Instant::now();
    server.terminate();
    while !Client::new(server.port(), "").get("/health/ready").unwrap().is_unavailable() {
        assert!(signalled.elapsed() < HANG_TIMEOUT, "it is still ready");
    }
    let report = load.wait();
    report.assert_no_errors();
    assert_eq!(report.count(200), report.samples.len());
    let is_served_after_signal =
        |client| report.samples.iter().any(|it| it.client == client && it.completed() > signalled);
    assert!((0..CLIENTS).all(is_served_after_signal), "a client was disconnected");
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    let refused = TcpStream::connect(("127.0.0.1", server.port())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

/// Even with `SHUTDOWN_DELAY=0s`, clients that have just received a response have time to send their next request.
#[test]
fn connections_are_not_closed_right_after_sigterm() {
    let database = TestDatabase::sqlite();
    let server = server_with(database.url(), &[("SHUTDOWN_DELAY", "0s")]);
    let mut connection = Connection::open(server.port()).unwrap();
    connection.send(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    assert_eq!(connection.receive(false).unwrap().status, 200);
    let signalled = Instant::now();
    server.terminate();
    // The connection may be closed or reset.
    assert_eq!(connection.stream().read(&mut [0]).unwrap_or(0), 0);
    assert!(signalled.elapsed() >= DRAIN_TIME, "it was closed after {:?}", signalled.elapsed());
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
}

/// An idle connection and a connection with an incomplete request do not delay the shutdown: the server exits long
/// before `SHUTDOWN_TIMEOUT`.
#[test]
fn silent_clients_do_not_delay_the_shutdown() {
    let database = TestDatabase::sqlite();
    let settings = [("SHUTDOWN_DELAY", "0s"), ("SHUTDOWN_TIMEOUT", "1h")];
    let server = server_with(database.url(), &settings);
    let mut idle = Client::new(server.port(), &new_id());
    idle.get("/health").unwrap();
    let mut silent = Connection::open(server.port()).unwrap();
    silent.send(b"GET /health HTTP/1.1\r\nHost:").unwrap();
    server.terminate();
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    drop((idle, silent));
}

/// Two servers behind a load balancer that checks readiness are replaced one after the other.
#[test]
fn a_rolling_restart_of_two_copies_fails_no_request() {
    let database = TestDatabase::sqlite();
    let ports = [free_port(), free_port()];
    let start = |port: u16| {
        let port = port.to_string();
        server_with(database.url(), &[LONG_SHUTDOWN[0], LONG_SHUTDOWN[1], ("PORT", &port)])
    };
    let mut copies = ports.map(start);
    let balancer = Balancer::new(ports);
    balancer.serve(8, || {
        for (copy, port) in copies.iter_mut().zip(ports) {
            balancer.wait_for_responses(200);
            copy.terminate();
            assert_eq!(copy.wait_exit(HANG_TIMEOUT).code(), Some(0));
            *copy = start(port);
        }
        balancer.wait_for_responses(200);
    });
    assert_eq!(balancer.failed(), 0, "of {} requests", balancer.succeeded());
}

/// Waits until the server no longer listens.
fn wait_until_connections_are_refused(server: &Server) {
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", server.port())).is_ok() {
        assert!(started.elapsed() < HANG_TIMEOUT, "it still accepts");
        thread::sleep(Duration::from_millis(20));
    }
}
