//! Running servers, until a signal stops them.

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use todo_test_support::clients::http::{Client, Connection, HANG_TIMEOUT};
use todo_test_support::database::TestDatabase;
use todo_test_support::directory::TempDirectory;
use todo_test_support::server::Server;

use crate::support::{PROGRAM, script};

const USER: &str = "550e8400-e29b-41d4-a716-446655440000";
/// Long enough that a busy machine causes no 503.
const GENEROUS_TIMEOUT: (&str, &str) = ("DATABASE_TIMEOUT", "30s");

fn client(server: &Server) -> Client {
    Client::new(server.port(), USER)
}

/// The status of a GET; `None` if the connection is refused.
fn status(server: &Server, path: &str) -> Option<u16> {
    client(server).get(path).ok().map(|it| it.status)
}

fn create(server: &Server, title: &str) {
    let body = json!({"title": title});
    client(server).call("POST", "/api/v1/todos", Some(&body)).unwrap().expect(201);
}

fn count(server: &Server) -> Value {
    client(server).get("/api/v1/todos").unwrap().expect(200)["count"].clone()
}

#[test]
fn a_signal_stops_the_server_gracefully() {
    for signal in ["TERM", "INT"] {
        let server = Server::start(PROGRAM, "sqlite::memory:", &[]);
        assert_eq!(status(&server, "/health"), Some(200));
        server.signal(signal);
        assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0), "{signal}");
        assert_eq!(server.stderr(), Vec::<String>::new());
        assert!(server.logs().iter().any(|line| line.contains("shutting down")));
    }
}

#[test]
fn an_accepted_request_is_completed_after_sigterm() {
    let database = TestDatabase::sqlite();
    let settings = [GENEROUS_TIMEOUT, ("SHUTDOWN_DELAY", "0s")];
    let server = Server::start(PROGRAM, database.url(), &settings);
    let body = r#"{"title":"In the last moment"}"#;
    let (start, rest) = body.split_at(10);
    let mut connection = Connection::open(server.port()).unwrap();
    start_create(&mut connection, body.len(), start);
    server.terminate();
    let stopped = Instant::now();
    while status(&server, "/health").is_some() {
        assert!(stopped.elapsed() < HANG_TIMEOUT, "it still accepts");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(server.is_running());
    connection.send(rest.as_bytes()).unwrap();
    connection.receive(false).unwrap().expect(201);
    assert_eq!(connection.rest(), b"");
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));

    // The next server sees the acknowledged write.
    let next = Server::start(PROGRAM, database.url(), &[GENEROUS_TIMEOUT]);
    assert_eq!(count(&next), 1);
}

#[test]
fn an_endless_request_delays_the_exit_only_up_to_the_timeout() {
    let settings = [("SHUTDOWN_DELAY", "0s"), ("SHUTDOWN_TIMEOUT", "1s")];
    let server = Server::start(PROGRAM, "sqlite::memory:", &settings);
    let mut connection = Connection::open(server.port()).unwrap();
    start_create(&mut connection, 100, "{");
    server.terminate();
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    // If the server had waited for the body, it would have sent an error response before it exited.
    assert_eq!(String::from_utf8_lossy(&connection.rest()), "");
}

/// Sends the head of a request and, once a handler waits for it, the start of its body.
fn start_create(connection: &mut Connection, length: usize, start: &str) {
    let head = format!(
        "POST /api/v1/todos HTTP/1.1\r\nHost: test\r\nX-User-ID: {USER}\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    connection.send(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    connection.stream().read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection.send(start.as_bytes()).unwrap();
}

#[test]
fn readiness_fails_before_the_server_stops_accepting() {
    // Long enough for the calls of this test on a busy machine.
    let settings = [("SHUTDOWN_DELAY", "10s"), GENEROUS_TIMEOUT];
    let server = Server::start(PROGRAM, "sqlite::memory:", &settings);
    create(&server, "Before");
    assert_eq!(status(&server, "/health/ready"), Some(200));
    server.terminate();
    let stopped = Instant::now();
    while status(&server, "/health/ready") != Some(503) {
        assert!(stopped.elapsed() < HANG_TIMEOUT, "it is still ready");
    }
    // Everything else is served as before.
    assert_eq!(status(&server, "/health"), Some(200));
    assert_eq!(count(&server), 1);
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    assert!(stopped.elapsed() >= Duration::from_secs(9), "{:?}", stopped.elapsed());
}

/// Started by a program rather than from a terminal, as a service is.
#[test]
fn a_service_waits_for_its_load_balancer_by_default() {
    let directory = TempDirectory::new();
    let server =
        Server::start(script(&directory, "SHUTDOWN_DELAY"), "sqlite::memory:", &[GENEROUS_TIMEOUT]);
    create(&server, "Before");
    let line = server.logs().into_iter().find(|line| line.contains("listening")).unwrap();
    assert!(line.contains(r#""shutdown_delay":"5s""#), "{line}");
    server.terminate();
    let stopped = Instant::now();
    while status(&server, "/health/ready") != Some(503) {
        assert!(stopped.elapsed() < HANG_TIMEOUT, "it is still ready");
    }
    // Longer than the minimum time for connected clients.
    thread::sleep(Duration::from_secs(2));
    assert_eq!(count(&server), 1);
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
}

#[test]
fn a_database_in_memory_serves_concurrent_clients() {
    let server = Server::start(PROGRAM, "sqlite::memory:", &[("DATABASE_TIMEOUT", "60s")]);
    thread::scope(|scope| {
        for racer in 0..8 {
            let server = &server;
            scope.spawn(move || {
                for round in 0..25 {
                    create(server, &format!("{racer} of {round}"));
                    assert_eq!(status(server, "/api/v1/todos"), Some(200));
                }
            });
        }
    });
    assert_eq!(count(&server), 200);
}
