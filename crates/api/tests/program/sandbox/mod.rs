//! `todo-api sandbox`: its todos, its banner and its faults, and that other servers have none of them.

mod faults;
mod header;
pub(crate) mod users;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use todo_test_support::directory::TempDirectory;
use todo_test_support::server::Server;
use ureq::http::{self, Request};

use crate::support::{files, script_with};

pub(crate) const ADA: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const GRACE: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const LINUS: &str = "33333333-3333-4333-8333-333333333333";
pub(crate) const TODOS: &str = "/api/v1/todos";
pub(crate) const ORIGIN: &str = "https://frontend.example";

/// A header that requests no fault, and so turns off those of the flags.
pub(crate) const NO_FAULTS: &str = "latency=0s";

/// Ends a test that hangs.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// A running sandbox, in its own directory.
pub(crate) struct Sandbox {
    pub(crate) server: Server,
    directory: TempDirectory,
}

/// A response: status, headers, and the body as JSON (null if it is not JSON).
pub(crate) struct Response {
    pub(crate) status: u16,
    head: http::response::Parts,
    pub(crate) body: Value,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Sandbox {
    /// Starts a sandbox with these flags.
    pub(crate) fn start(flags: &str) -> Self {
        Self::start_with_database_url(flags, "sqlite://never.db")
    }

    /// The same with this `DATABASE_URL`.
    pub(crate) fn start_with_database_url(flags: &str, database_url: &str) -> Self {
        let directory = TempDirectory::new();
        let program = script_with(&directory, "SHUTDOWN_DELAY", &format!("sandbox {flags}"));
        // Long enough that a busy machine causes no 503.
        let server = Server::start(program, database_url, &[("DATABASE_TIMEOUT", "30s")]);
        Self { server, directory }
    }

    /// The names of the files in its directory.
    pub(crate) fn files(&self) -> Vec<String> {
        files(&self.directory)
    }

    /// Sends a request with these headers, as a page of another origin; `None` if the connection was cut.
    pub(crate) fn call(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Option<Response> {
        call(&self.server, method, target, headers, body)
    }

    /// Sends a GET on behalf of a user, without faults.
    pub(crate) fn get(&self, user: &str, target: &str) -> Value {
        let headers = [("X-User-ID", user), ("X-Sandbox", NO_FAULTS)];
        let response = self.call("GET", target, &headers, None).unwrap();
        assert_eq!(response.status, 200, "{target}: {}", response.body);
        response.body
    }

    /// How many todos a user has.
    pub(crate) fn total(&self, user: &str) -> u64 {
        self.get(user, "/api/v1/todos/stats")["total"].as_u64().unwrap()
    }

    /// Sends a request on behalf of Linus, and returns all bytes until the connection is closed.
    pub(crate) fn exchange(&self, line: &str, headers: &str, body: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port())).unwrap();
        stream.set_read_timeout(Some(HANG_TIMEOUT)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: test\r\nX-User-ID: {LINUS}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        )
        .unwrap();
        let mut bytes = Vec::new();
        if let Err(error) = stream.read_to_end(&mut bytes) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
        bytes
    }
}

/// Sends a request to any server, like [`Sandbox::call`].
pub(crate) fn call(
    server: &Server,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Option<Response> {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.timeout_global(Some(HANG_TIMEOUT)).build().into();
    let mut request = Request::builder().method(method).uri(server.url(target));
    request = request.header("Origin", ORIGIN);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let result = match body {
        Some(body) => {
            let request = request.header("Content-Type", "application/json");
            agent.run(request.body(body.to_string()).unwrap())
        }
        None => agent.run(request.body(()).unwrap()),
    };
    let mut response = match result {
        Ok(response) => response,
        Err(ureq::Error::Timeout(_)) => panic!("{method} {target} timed out"),
        Err(_) => return None,
    };
    let text = response.body_mut().read_to_string().unwrap();
    let (parts, _) = response.into_parts();
    Some(Response {
        status: parts.status.as_u16(),
        body: serde_json::from_str(&text).unwrap_or_default(),
        head: parts,
    })
}

/// The body of a put.
pub(crate) fn todo() -> Value {
    json!({"title": "From a test", "description": null, "is_completed": false})
}

/// The path of the todo with this number.
pub(crate) fn path(number: u16) -> String {
    format!("{TODOS}/00000000-0000-4000-8000-{number:012}")
}
