//! `todo-api sandbox`: what it holds and says, the faults that it makes, and what other servers have of it: nothing.

mod faults;
mod header;
pub(crate) mod users;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use todo_test_support::directory::TempDirectory;
use todo_test_support::server::Server;
use ureq::http::{Request, Response};

use crate::support::{files, script_with};

pub(crate) const ADA: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const GRACE: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const LINUS: &str = "33333333-3333-4333-8333-333333333333";
pub(crate) const TODOS: &str = "/api/v1/todos";
pub(crate) const ORIGIN: &str = "https://frontend.example";

/// Asks for no fault, and so has none.
pub(crate) const SPARED: &str = "latency=0s";

/// What takes longer hangs.
const HANGS: Duration = Duration::from_secs(60);

/// A sandbox that runs, in a directory of its own.
pub(crate) struct Sandbox {
    pub(crate) server: Server,
    directory: TempDirectory,
}

/// An answer: status, headers, and the body as JSON (null when it is none).
pub(crate) struct Answer {
    pub(crate) status: u16,
    response: Response<()>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).map(|value| value.to_str().unwrap())
    }
}

impl Sandbox {
    /// One with these flags.
    pub(crate) fn start(flags: &str) -> Self {
        Self::start_beside(flags, "sqlite://never.db")
    }

    /// The same, where `DATABASE_URL` is set like this.
    pub(crate) fn start_beside(flags: &str, database_url: &str) -> Self {
        let directory = TempDirectory::new();
        let program = script_with(&directory, "SHUTDOWN_DELAY", &format!("sandbox {flags}"));
        // So that a busy machine makes no 503.
        let server = Server::start(program, database_url, &[("DATABASE_TIMEOUT", "30s")]);
        Self { server, directory }
    }

    /// The names of the files in its directory.
    pub(crate) fn files(&self) -> Vec<String> {
        files(&self.directory)
    }

    /// A call of a page of another origin, with these headers; `None` when the connection was cut.
    pub(crate) fn call(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Option<Answer> {
        call(&self.server, method, target, headers, body)
    }

    /// A GET on behalf of a user, without faults.
    pub(crate) fn get(&self, user: &str, target: &str) -> Value {
        let headers = [("X-User-ID", user), ("X-Sandbox", SPARED)];
        let answer = self.call("GET", target, &headers, None).unwrap();
        assert_eq!(answer.status, 200, "{target}: {}", answer.body);
        answer.body
    }

    /// How many todos a user has.
    pub(crate) fn total(&self, user: &str) -> u64 {
        self.get(user, "/api/v1/todos/stats")["total"].as_u64().unwrap()
    }

    /// The bytes that come back for a request of Linus's until the connection is closed.
    pub(crate) fn exchange(&self, line: &str, headers: &str, body: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port())).unwrap();
        stream.set_read_timeout(Some(HANGS)).unwrap();
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

/// A call to any server, as [`Sandbox::call`].
pub(crate) fn call(
    server: &Server,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Option<Answer> {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.timeout_global(Some(HANGS)).build().into();
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
        Err(ureq::Error::Timeout(_)) => panic!("{method} {target} hangs"),
        Err(_) => return None,
    };
    let text = response.body_mut().read_to_string().unwrap();
    let (parts, _) = response.into_parts();
    Some(Answer {
        status: parts.status.as_u16(),
        body: serde_json::from_str(&text).unwrap_or_default(),
        response: Response::from_parts(parts, ()),
    })
}

/// A todo to put.
pub(crate) fn todo() -> Value {
    json!({"title": "From a test", "description": null, "is_completed": false})
}

/// Where a todo with this number is.
pub(crate) fn path(number: u16) -> String {
    format!("{TODOS}/00000000-0000-4000-8000-{number:012}")
}
