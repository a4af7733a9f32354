//! `LOG_REQUESTS`: one line per request, without the users' data.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use todo_test_support::clients::http::{Client, Connection, HANG_TIMEOUT};
use todo_test_support::database::TestDatabase;
use todo_test_support::directory::TempDirectory;
use todo_test_support::server::Server;

use crate::support::{PROGRAM, shell};

const USER: &str = "550e8400-e29b-41d4-a716-446655440000";
const GENEROUS_TIMEOUT: (&str, &str) = ("DATABASE_TIMEOUT", "60s");
const ON: (&str, &str) = ("LOG_REQUESTS", "true");

/// The lines of the access log, once there are this many.
fn lines(server: &Server, count: usize) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let lines = server.logs();
        let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let lines: Vec<_> = lines.filter(|it| it["target"] == "todo_api::access").collect();
        if lines.len() >= count {
            return lines;
        }
        assert!(start.elapsed() < HANG_TIMEOUT, "{:#?}", server.logs());
        thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a request on a new connection, and returns the body of the response.
fn send(server: &Server, request: &str) -> Vec<u8> {
    let mut connection = Connection::open(server.port()).unwrap();
    connection.send(request.as_bytes()).unwrap();
    let is_head = request.starts_with("HEAD");
    connection.receive(is_head).unwrap().body
}

#[test]
fn each_request_is_one_line_with_its_user_and_without_its_query() {
    for database in [Some(TestDatabase::sqlite()), TestDatabase::postgres()].into_iter().flatten() {
        // Also if the filter excludes it.
        let filter = ("RUST_LOG", "off,todo_api=info,todo_api::access=off");
        let settings = [ON, GENEROUS_TIMEOUT, filter];
        let server = Server::start(PROGRAM, database.url(), &settings);
        let mut client = Client::new(server.port(), USER);
        let body = json!({"title": "Geheim"});
        let todo = client.call("POST", "/api/v1/todos", Some(&body)).unwrap().expect(201);
        let id = todo["id"].as_str().unwrap();
        let rest = format!("X-User-ID: {USER}\r\nX-Request-ID: mine\r\nHost: test\r\n\r\n");
        let list = send(&server, &format!("GET /api/v1/todos?q=geheim HTTP/1.1\r\n{rest}"));
        send(&server, &format!("HEAD /api/v1/todos/{id} HTTP/1.1\r\n{rest}"));
        send(&server, "GET /api/v1/todos HTTP/1.1\r\nHost: test\r\n\r\n");
        send(&server, "DELETE /nowhere HTTP/1.1\r\nHost: test\r\n\r\n");
        let lines = lines(&server, 5);
        let fields: Vec<_> = lines.iter().map(|line| &line["fields"]).collect();
        let [created, listed, got, refused, unknown] = fields.as_slice() else {
            panic!("{lines:#?}")
        };
        for (line, method, path, status) in [
            (created, "POST", "/api/v1/todos", 201),
            (listed, "GET", "/api/v1/todos", 200),
            (got, "HEAD", &*format!("/api/v1/todos/{id}"), 200),
            (refused, "GET", "/api/v1/todos", 400),
            (unknown, "DELETE", "/nowhere", 404),
        ] {
            assert_eq!(line["message"], "request");
            assert_eq!((&line["method"], &line["path"]), (&json!(method), &json!(path)));
            assert_eq!(line["status"], status, "{line}");
            assert!(line["duration_ms"].as_f64().unwrap() > 0.0, "{line}");
            assert_eq!(line.get("incomplete"), None, "{line}");
            let user = (status < 300).then_some(&Value::Null).map(|_| json!(USER));
            assert_eq!(line.get("user"), user.as_ref(), "{line}");
        }
        assert_eq!((&listed["bytes"], &listed["request_id"]), (&json!(list.len()), &json!("mine")));
        assert_eq!((&got["bytes"], &got["route"]), (&json!(0), &json!("/api/v1/todos/{todo_id}")));
        assert_eq!(unknown.get("route"), None);
        assert!(!server.logs().join("\n").to_lowercase().contains("geheim"));
    }
}

#[test]
fn a_response_that_the_client_does_not_read_to_its_end_is_logged_as_incomplete() {
    let database = TestDatabase::sqlite();
    let server = Server::start(PROGRAM, database.url(), &[ON, GENEROUS_TIMEOUT]);
    let mut client = Client::new(server.port(), USER);
    let body = json!({"title": "Long", "description": "x".repeat(2_000)});
    let todos = 3_000;
    for _ in 0..todos {
        client.call("POST", "/api/v1/todos", Some(&body)).unwrap().expect(201);
    }
    let list = client.get("/api/v1/todos").unwrap().body;
    let mut connection = Connection::open(server.port()).unwrap();
    let head = format!("GET /api/v1/todos HTTP/1.1\r\nHost: test\r\nX-User-ID: {USER}\r\n\r\n");
    connection.send(head.as_bytes()).unwrap();
    drop(connection);
    let lines = lines(&server, todos + 2);
    let [.., complete, cut] = lines.as_slice() else { panic!() };
    assert_eq!(complete["fields"]["bytes"], list.len());
    assert_eq!(complete["fields"].get("incomplete"), None);
    assert_eq!(cut["fields"]["incomplete"], true, "{cut}");
    assert!(cut["fields"]["bytes"].as_u64().unwrap() < list.len() as u64);
}

#[test]
fn the_text_format_contains_the_same() {
    let directory = TempDirectory::new();
    let script = r#"cd "$0"; "$1" > log & i=0
        until grep -qs listening log || [ $i -gt 400 ]; do sleep 0.1; i=$((i+1)); done
        port=$(sed -n 's|.*address="http://127.0.0.1:\([0-9]*\)".*|\1|p' log)
        PORT=$port "$1" healthcheck --timeout 60s; code=$?; kill $!; wait $!; cat log; exit $code"#;
    let line = [script, directory.path().to_str().unwrap(), PROGRAM];
    let output = shell(&line, &[("DATABASE_URL", "sqlite::memory:"), ON, GENEROUS_TIMEOUT]);
    let words = r#"INFO todo_api::access: request method=GET path="/health/ready" route="/health/ready" status=200 duration_ms="#;
    assert!(output.succeeded().contains(words), "{output:?}");
}

#[test]
fn it_is_off_by_default_whatever_the_filter_says() {
    let settings = [("RUST_LOG", "trace,todo_api::access=trace"), GENEROUS_TIMEOUT];
    let server = Server::start(PROGRAM, "sqlite::memory:", &settings);
    Client::new(server.port(), USER).get("/api/v1/todos").unwrap().expect(200);
    server.terminate();
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    assert!(!server.logs().iter().any(|line| line.contains("todo_api::access")));
}
