//! Calls on behalf of one user.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::connection::{address, connect_to};
use super::{Connection, Request, Response};

/// The client closes a connection that was idle for longer than this: far earlier than the server does (`KEEP_ALIVE`),
/// so that no request is lost if the machine stalls for seconds.
const MAX_IDLE: Duration = Duration::from_secs(1);

/// A client of one server, on behalf of one user, with one persistent connection.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    user: String,
    request: Request,
    connection: Option<Connection>,
    last_used: Instant,
}

impl Client {
    /// A client of the server on this port of 127.0.0.1. The first call connects.
    #[must_use]
    pub fn new(port: u16, user: &str) -> Self {
        Self::of(address(port), user)
    }

    /// A client of the server at this address.
    #[must_use]
    pub fn of(address: SocketAddr, user: &str) -> Self {
        Self {
            address,
            user: user.to_owned(),
            request: Request::default(),
            connection: None,
            last_used: Instant::now(),
        }
    }

    /// Connects, unless it is connected.
    ///
    /// # Errors
    /// If nothing listens, or connecting takes too long.
    pub fn connect(&mut self) -> io::Result<&mut Connection> {
        if self.last_used.elapsed() > MAX_IDLE {
            self.connection = None;
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect_to(self.address)?.into(),
        };
        Ok(self.connection.insert(connection))
    }

    /// Closes its connection, if it has one.
    pub fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Sends a GET.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn get(&mut self, target: &str) -> io::Result<Response> {
        self.call("GET", target, None)
    }

    /// Sends a request on behalf of its user and reads the response.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn call(
        &mut self,
        method: &str,
        target: &str,
        body: Option<&Value>,
    ) -> io::Result<Response> {
        let mut request = std::mem::take(&mut self.request);
        let body = body.map(Value::to_string);
        request.set_json(method, target, &self.user, body.as_deref());
        let result = self.send(&request);
        self.request = request;
        result
    }

    /// Sends this request, and reads the response.
    ///
    /// # Errors
    /// Those of the connection, which is then closed.
    pub fn send(&mut self, request: &Request) -> io::Result<Response> {
        let connection = self.connect()?;
        let result = connection
            .send(request.as_bytes())
            .and_then(|()| connection.receive(request.is_head()));
        self.last_used = Instant::now();
        let closes = |it: &Response| {
            it.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
        };
        if result.as_ref().map_or(true, closes) {
            self.connection = None;
        }
        result
    }
}
