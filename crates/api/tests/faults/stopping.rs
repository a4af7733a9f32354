//! SIGTERM under load: nobody is turned away who was let in.

use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::balancer::Balancer;
use crate::support::http::{Client, HANGS, connect, read_answer};
use crate::support::ledger::{TODOS, new_id};
use crate::support::program::free_port;
use crate::support::setup::{cluster, name, server_with};

const CLIENTS: usize = 16;

/// Enough for a busy machine to notice that the server is going down, and for the server to answer what it was sent.
const UNHURRIED: [(&str, &str); 2] = [("SHUTDOWN_DELAY", "5s"), ("SHUTDOWN_TIMEOUT", "60s")];

/// How long the server leaves connections open on which nothing is under way.
const PARTING: Duration = Duration::from_millis(500);

#[test]
fn every_request_that_was_accepted_is_answered_after_sigterm() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server_with(&url, &UNHURRIED);
    // All of them are under way until the server has closed its door.
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
    wait_until_refused(&server);
    lock.run("COMMIT");
    for stream in streams {
        let answer = read_answer(&mut BufReader::new(stream), false).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("connection"), Some("close"));
    }
    assert_eq!(server.wait_exit(HANGS).code(), Some(0));
}

#[test]
fn a_client_that_honours_connection_close_sees_no_error_when_sqlite_serves() {
    let database = TestDatabase::sqlite();
    leave_politely(&server_with(database.url(), &UNHURRIED));
}

#[test]
fn a_client_that_honours_connection_close_sees_no_error_when_postgres_serves() {
    let Some(cluster) = cluster() else { return };
    leave_politely(&server_with(&cluster.create_database(), &UNHURRIED));
}

fn leave_politely(server: &Server) {
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| call_until_asked_to_leave(server.port(), &answered)))
            .collect();
        while answered.load(Ordering::Relaxed) < 500 {
            let none_left = !clients.iter().any(thread::ScopedJoinHandle::is_finished);
            assert!(none_left, "a client was asked to leave");
            thread::sleep(Duration::from_millis(5));
        }
        server.terminate();
        let told = Instant::now();
        while !Client::new(server.port(), "").get("/health/ready").unwrap().is_unavailable() {
            assert!(told.elapsed() < HANGS, "it is still ready");
        }
        for client in clients {
            client.join().unwrap();
        }
    });
    assert_eq!(server.wait_exit(HANGS).code(), Some(0));
    let refused = TcpStream::connect(address(server)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

fn call_until_asked_to_leave(port: u16, answered: &AtomicUsize) {
    let mut client = Client::new(port, &new_id());
    loop {
        let answer = client.get(TODOS).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answered.fetch_add(1, Ordering::Relaxed);
        if client.is_parted() {
            return;
        }
    }
}

/// Also a server that is told to stop at once gives clients that have only just been answered the time to send what
/// they are about to send.
#[test]
fn connections_are_not_closed_right_after_sigterm() {
    let database = TestDatabase::sqlite();
    let server = server_with(database.url(), &[("SHUTDOWN_DELAY", "0s")]);
    let mut stream = BufReader::new(connect(address(&server)).unwrap());
    stream.get_mut().write_all(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    assert_eq!(read_answer(&mut stream, false).unwrap().status, 200);
    let told = Instant::now();
    server.terminate();
    // A connection that is closed in order, or reset.
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    assert!(told.elapsed() >= PARTING, "it was closed after {:?}", told.elapsed());
    assert_eq!(server.wait_exit(HANGS).code(), Some(0));
}

/// An idle connection, and one on which half a request has come, do not keep the server from stopping: it ends long
/// before it would give up requests that are under way.
#[test]
fn clients_that_say_nothing_do_not_keep_the_server_up() {
    let database = TestDatabase::sqlite();
    let settings = [("SHUTDOWN_DELAY", "0s"), ("SHUTDOWN_TIMEOUT", "1h")];
    let server = server_with(database.url(), &settings);
    let mut idle = Client::new(server.port(), &new_id());
    idle.get("/health").unwrap();
    let mut silent = connect(address(&server)).unwrap();
    silent.write_all(b"GET /health HTTP/1.1\r\nHost:").unwrap();
    server.terminate();
    assert_eq!(server.wait_exit(HANGS).code(), Some(0));
    drop((idle, silent));
}

/// Two copies, one after the other replaced by a new one, behind a load balancer that asks whether they are ready.
#[test]
fn a_rolling_restart_of_two_copies_fails_no_request() {
    let database = TestDatabase::sqlite();
    let ports = [free_port(), free_port()];
    let start = |port: u16| {
        let port = port.to_string();
        server_with(database.url(), &[UNHURRIED[0], UNHURRIED[1], ("PORT", &port)])
    };
    let mut copies = ports.map(start);
    let balancer = Balancer::new(ports);
    balancer.serve(8, || {
        for (copy, port) in copies.iter_mut().zip(ports) {
            balancer.wait_for_answers(200);
            copy.terminate();
            assert_eq!(copy.wait_exit(HANGS).code(), Some(0));
            *copy = start(port);
        }
        balancer.wait_for_answers(200);
    });
    assert_eq!(balancer.failed(), 0, "of {} requests", balancer.answered());
}

fn address(server: &Server) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], server.port()))
}

/// Waits until the server does not listen any more.
fn wait_until_refused(server: &Server) {
    let begun = Instant::now();
    while TcpStream::connect(address(server)).is_ok() {
        assert!(begun.elapsed() < HANGS, "it still accepts");
        thread::sleep(Duration::from_millis(20));
    }
}
