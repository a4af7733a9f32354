//! The server under test.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use todo_test_support::clients::http::{self, Request, Response};
use todo_test_support::database::TestDatabase;
use todo_test_support::issuer::{Issuer, Kind};
use todo_test_support::server::Server;
use uuid::Uuid;

use super::client::Client;
use super::description::Description;
use super::raw::RawRequest;

/// Settings for many servers on a loaded machine. Tests of timeouts override them.
const SETTINGS: [(&str, &str); 3] =
    [("HTTP_WORKERS", "2"), ("DATABASE_POOL_SIZE", "4"), ("DATABASE_TIMEOUT", "60s")];

/// A running server, and the API description that it serves.
pub(crate) struct Api {
    /// Clients that are not in use, each with its connection.
    clients: Mutex<Vec<http::Client>>,
    pub(crate) description: Arc<Description>,
    // Dropped before the database, which it uses.
    pub(crate) server: Server,
    pub(crate) database: Option<TestDatabase>,
    /// Who issues the tokens of the users; without one they are identified by the header.
    pub(crate) issuer: Option<Issuer>,
}

impl From<TestDatabase> for Api {
    fn from(database: TestDatabase) -> Self {
        Self::start(database, &[])
    }
}

impl Api {
    /// Starts a server on the test's own database.
    pub(crate) fn start(database: TestDatabase, settings: &[(&str, &str)]) -> Self {
        let url = database.url().to_owned();
        Self { database: Some(database), ..Self::start_at(&url, settings) }
    }

    /// Starts a server on a database that others may use.
    pub(crate) fn start_at(database_url: &str, settings: &[(&str, &str)]) -> Self {
        let settings: Vec<_> = SETTINGS.iter().chain(settings).copied().collect();
        let server = Server::start(env!("CARGO_BIN_EXE_todo-api"), database_url, &settings);
        let mut client = http::Client::new(server.port(), "");
        let description = fetch_description(&mut client);
        Self {
            clients: Mutex::new(vec![client]),
            description,
            server,
            database: None,
            issuer: None,
        }
    }

    /// Starts a server that accepts the tokens of this issuer, whether it has its keys already or not.
    pub(crate) fn start_with(issuer: Issuer, database: TestDatabase) -> Self {
        let settings = issuer.settings();
        let settings: Vec<_> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Self { issuer: Some(issuer), ..Self::start(database, &settings) }
    }

    /// Starts a server on which users are identified by tokens, and which is ready.
    pub(crate) fn with_tokens(database: TestDatabase) -> Self {
        let api = Self::start_with(Issuer::start(&[Kind::Ed25519]), database);
        api.wait_until_ready();
        api
    }

    /// Waits for the first key set.
    pub(crate) fn wait_until_ready(&self) {
        for _ in 0..6_000 {
            if self.anonymous().get("/health/ready").status == 200 {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the server is not ready: {:#?}", self.server.logs());
    }

    /// A new user.
    pub(crate) fn user(&self) -> Client<'_> {
        self.user_with_id(&Uuid::new_v4().to_string())
    }

    /// The user with this id.
    pub(crate) fn user_with_id(&self, user: &str) -> Client<'_> {
        Client::new(self, Some(user.to_owned()))
    }

    /// A caller without a user id.
    pub(crate) fn anonymous(&self) -> Client<'_> {
        Client::new(self, None)
    }

    /// Sends a request on an idle connection or a new one, and reads the response.
    #[track_caller]
    pub(super) fn send(&self, request: &Request) -> Response {
        let idle = self.clients.lock().unwrap().pop();
        let mut client = idle.unwrap_or_else(|| http::Client::new(self.server.port(), ""));
        let response = client.send(request).unwrap();
        self.clients.lock().unwrap().push(client);
        response
    }

    /// Sends a request on a connection whose sending side is closed then, and reads the response: a stream ends at once.
    #[track_caller]
    pub(super) fn send_and_hang_up(&self, request: &Request) -> Response {
        let mut connection = http::Connection::open(self.server.port()).unwrap();
        connection.send(request.as_bytes()).unwrap();
        connection.stream().shutdown(std::net::Shutdown::Write).unwrap();
        connection.receive(request.is_head()).unwrap()
    }

    /// The one log line about a request, which may be written shortly after the response.
    #[track_caller]
    pub(crate) fn log_line(&self, request_id: &str) -> Value {
        for _ in 0..6_000 {
            let lines = self.server.logs();
            let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let lines: Vec<_> =
                lines.filter(|it| it["fields"]["request_id"] == request_id).collect();
            if let [line] = lines.as_slice() {
                return line.clone();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("not exactly one line about {request_id} in {:#?}", self.server.logs());
    }

    /// A request that is sent byte by byte as given.
    pub(crate) fn raw<'a>(&'a self, method: &'a str, target: &'a str) -> RawRequest<'a> {
        RawRequest::new(self, method, target)
    }
}

/// The API description of the server, parsed once. Servers describe themselves differently only if they identify their
/// callers differently.
fn fetch_description(client: &mut http::Client) -> Arc<Description> {
    static KNOWN: Mutex<Vec<(Vec<u8>, Arc<Description>)>> = Mutex::new(Vec::new());
    let response = client.get("/openapi.json").unwrap();
    // A panic in another test does not affect the list.
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, description)) = known.iter().find(|(text, _)| *text == response.body) {
        return Arc::clone(description);
    }
    let description = Arc::new(Description::new(response.json()));
    let is_new = known.iter().all(|(_, it)| it.identifies_by() != description.identifies_by());
    assert!(is_new, "two servers describe themselves differently");
    known.push((response.body, Arc::clone(&description)));
    description
}
