//! `todo-api sandbox`: its todos, its banner and its faults, and that other servers have none of them.

mod demo;
mod faults;
mod header;
pub(crate) mod users;

use std::fmt::Display;
use std::io::{ErrorKind, Read};

use serde_json::{Value, json};
use todo_test_support::clients::http::{Client, Connection, Request, Response};
use todo_test_support::directory::TempDirectory;
use todo_test_support::server::Server;

use crate::support::{files, script_with};

pub(crate) const ADA: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const GRACE: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const LINUS: &str = "33333333-3333-4333-8333-333333333333";
pub(crate) const TODOS: &str = "/api/v1/todos";
pub(crate) const ORIGIN: &str = "https://frontend.example";

/// A header that requests no fault, and so turns off those of the flags.
pub(crate) const NO_FAULTS: &str = "latency=0s";

/// A running sandbox, in its own directory.
pub(crate) struct Sandbox {
    pub(crate) server: Server,
    directory: TempDirectory,
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
        self.call("GET", target, &headers, None).unwrap().expect(200)
    }

    /// How many todos a user has.
    pub(crate) fn total(&self, user: &str) -> u64 {
        self.get(user, "/api/v1/todos/stats")["total"].as_u64().unwrap()
    }

    /// Sends a request on behalf of Linus, and returns all bytes until the connection is closed.
    pub(crate) fn exchange(&self, line: &str, headers: &str, body: &str) -> Vec<u8> {
        let mut connection = Connection::open(self.server.port()).unwrap();
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: test\r\nX-User-ID: {LINUS}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        );
        connection.send(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        if let Err(error) = connection.stream().read_to_end(&mut bytes) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
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
    let body = body.map(Value::to_string);
    let mut all: Vec<(&str, &dyn Display)> = vec![("Origin", &ORIGIN)];
    all.extend(headers.iter().map(|(name, value)| (*name, value as &dyn Display)));
    all.extend(body.iter().map(|_| ("Content-Type", &"application/json" as &dyn Display)));
    let mut request = Request::default();
    request.set(method, target, &all, body.as_deref().map(str::as_bytes));
    match Client::new(server.port(), "").send(&request) {
        Ok(response) => Some(response),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("{method} {target} timed out")
        }
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            panic!("{method} {target}: {error}")
        }
        Err(_) => None,
    }
}

/// The body of a put.
pub(crate) fn todo() -> Value {
    json!({"title": "From a test", "description": null, "is_completed": false})
}

/// The path of the todo with this number.
pub(crate) fn path(number: u16) -> String {
    format!("{TODOS}/00000000-0000-4000-8000-{number:012}")
}
