//! Requests as bytes on a socket, for what a regular client would not send.

use todo_test_support::clients::http::{Connection, Response};

use super::api::Api;

/// A request, not yet sent, with nothing but the given headers and body.
pub(crate) struct RawRequest<'a> {
    api: &'a Api,
    method: &'a str,
    target: &'a str,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl<'a> RawRequest<'a> {
    pub(super) fn new(api: &'a Api, method: &'a str, target: &'a str) -> Self {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        Self { api, method, target, head: head.into_bytes(), body: Vec::new() }
    }

    /// Adds a header; the value may be any bytes.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head.extend_from_slice(name.as_bytes());
        self.head.extend_from_slice(b": ");
        self.head.extend_from_slice(value.as_ref());
        self.head.extend_from_slice(b"\r\n");
        self
    }

    /// Sets the bytes after the headers, without a length.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it, and checks the response.
    #[track_caller]
    pub(crate) fn send(self) -> Response {
        let mut connection = self.open();
        let _ = connection.stream().shutdown(std::net::Shutdown::Write);
        let response = connection.receive(self.method == "HEAD").unwrap();
        assert_eq!(connection.rest(), b"", "after {response:?}");
        self.api.description.check(self.method, self.target, None, &response);
        response
    }

    /// Sends it, and returns the connection without reading the response.
    pub(crate) fn open(&self) -> Connection {
        let mut connection = Connection::open(self.api.server.port()).unwrap();
        connection.send(&self.head).unwrap();
        connection.send(b"\r\n").unwrap();
        // The server may respond and close before it has read a body that it rejects.
        let _ = connection.send(&self.body);
        connection
    }
}
