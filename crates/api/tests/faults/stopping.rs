//! SIGTERM under load: the server completes accepted requests.

use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::balancer::Balancer;
use crate::support::http::{Client, HANG_TIMEOUT, connect, read_response};
use crate::support::ledger::{TODOS, new_id};
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
        let mut stream = connect(address(&server)).unwrap();
        let head = format!("GET {TODOS} HTTP/1.1\r\nHost: test\r\nX-User-ID: {}\r\n\r\n", new_id());
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let streams: Vec<_> = (0..CLIENTS).map(request).collect();
    server.terminate();
    wait_until_connections_are_refused(&server);
    lock.run("COMMIT");
    for stream in streams {
        let response = read_response(&mut BufReader::new(stream), false).unwrap();
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
    let succeeded = AtomicUsize::new(0);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| send_until_asked_to_close(server.port(), &succeeded)))
            .collect();
        while succeeded.load(Ordering::Relaxed) < 500 {
            let all_running = !clients.iter().any(thread::ScopedJoinHandle::is_finished);
            assert!(all_running, "a client was disconnected");
            thread::sleep(Duration::from_millis(5));
        }
        server.terminate();
        let signalled = Instant::now();
        while !Client::new(server.port(), "").get("/health/ready").unwrap().is_unavailable() {
            assert!(signalled.elapsed() < HANG_TIMEOUT, "it is still ready");
        }
        for client in clients {
            client.join().unwrap();
        }
    });
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    let refused = TcpStream::connect(address(server)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

fn send_until_asked_to_close(port: u16, succeeded: &AtomicUsize) {
    let mut client = Client::new(port, &new_id());
    loop {
        let response = client.get(TODOS).unwrap();
        assert_eq!(response.status, 200, "{response:?}");
        succeeded.fetch_add(1, Ordering::Relaxed);
        if client.is_disconnected() {
            return;
        }
    }
}

/// Even with `SHUTDOWN_DELAY=0s`, clients that have just received a response have time to send their next request.
#[test]
fn connections_are_not_closed_right_after_sigterm() {
    let database = TestDatabase::sqlite();
    let server = server_with(database.url(), &[("SHUTDOWN_DELAY", "0s")]);
    let mut stream = BufReader::new(connect(address(&server)).unwrap());
    stream.get_mut().write_all(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    assert_eq!(read_response(&mut stream, false).unwrap().status, 200);
    let signalled = Instant::now();
    server.terminate();
    // The connection may be closed or reset.
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
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
    let mut silent = connect(address(&server)).unwrap();
    silent.write_all(b"GET /health HTTP/1.1\r\nHost:").unwrap();
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

fn address(server: &Server) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], server.port()))
}

/// Waits until the server no longer listens.
fn wait_until_connections_are_refused(server: &Server) {
    let started = Instant::now();
    while TcpStream::connect(address(server)).is_ok() {
        assert!(started.elapsed() < HANG_TIMEOUT, "it still accepts");
        thread::sleep(Duration::from_millis(20));
    }
}
