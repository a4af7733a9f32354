//! Requests as bytes on a socket, for what a regular client would not send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::api::Api;
use super::response::Response;

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
        let (mut stream, response) = self.open();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let response = response.unwrap_or_else(|| read(&mut stream));
        self.api.description.check(self.method, self.target, None, &response);
        response
    }

    /// Sends it, and returns the connection without reading the response.
    pub(crate) fn open(&self) -> (TcpStream, Option<Response>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.api.server.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(&self.head).unwrap();
        stream.write_all(b"\r\n").unwrap();
        // The server may respond and close before it has read a body that it rejects.
        let sent = stream.write_all(&self.body);
        let early = sent.is_err().then(|| read(&mut stream));
        (stream, early)
    }
}

/// Reads a response after which the server closes the connection.
fn read(stream: &mut TcpStream) -> Response {
    let mut bytes = Vec::new();
    // A reset after a complete response does not matter; an incomplete response is detected.
    let _ = stream.read_to_end(&mut bytes);
    Response::parse(&bytes)
}
