//! Malicious requests. Each has one defined response.

use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::http::{Connection, Response};
use crate::support::setup::server;

mod bodies;
mod requests;

const USER: &str = "550e8400-e29b-41d4-a716-446655440000";

const TODOS: &str = "/api/v1/todos";

struct TestServer {
    server: Server,
    _database: TestDatabase,
}

impl TestServer {
    fn new() -> Self {
        let database = TestDatabase::sqlite();
        Self { server: server(database.url()), _database: database }
    }

    /// Sends these bytes and reads one response.
    #[track_caller]
    fn send(&self, request: impl AsRef<[u8]>) -> Response {
        let request = request.as_ref();
        let mut connection = Connection::open(self.server.port()).unwrap();
        // The server may respond and close before it has read everything.
        let _ = connection.send(request);
        connection.receive(false).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&request[..request.len().min(300)]))
        })
    }

    /// Sends bytes that are not HTTP, and expects the HTTP library's response with this status, which has no body.
    #[track_caller]
    fn expect_bare(&self, status: u16, request: impl AsRef<[u8]>) -> Response {
        let request = request.as_ref();
        let response = self.send(request);
        let shown = String::from_utf8_lossy(&request[..request.len().min(300)]).into_owned();
        assert_eq!(response.status, status, "{shown}\n{response:?}");
        assert_eq!(response.header("content-length"), Some("0"), "{shown}");
        response
    }

    /// Sends these bytes and expects a response with this status; an error must have the common format.
    #[track_caller]
    fn expect(&self, status: u16, request: impl AsRef<[u8]>) -> Response {
        let request = request.as_ref();
        let response = self.send(request);
        let shown = String::from_utf8_lossy(&request[..request.len().min(300)]).into_owned();
        assert_eq!(response.status, status, "{shown}\n{response:?}");
        if status >= 400 {
            let body = response.json();
            assert_eq!(
                response.header("content-type"),
                Some("application/problem+json"),
                "{shown}"
            );
            assert_eq!(body["status"], status, "{shown}");
            assert_eq!(body["request_id"].as_str(), response.header("x-request-id"), "{shown}");
            assert!(body["detail"].is_string() && body["error_code"].is_string(), "{body}");
            assert!(body["field_errors"].is_array(), "{body}");
        }
        response
    }
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\nX-User-ID: {USER}\r\n{headers}\r\n")
}

/// A request to create a todo, with these headers instead of a length.
fn post_with(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let head = format!(
        "POST {TODOS} HTTP/1.1\r\nHost: test\r\nX-User-ID: {USER}\r\n\
         Content-Type: application/json\r\n{headers}\r\n"
    );
    [head.as_bytes(), body.as_ref()].concat()
}

fn post(body: impl AsRef<[u8]>) -> Vec<u8> {
    post_with(&format!("Content-Length: {}\r\n", body.as_ref().len()), body)
}
