//! Requests as bytes on a socket, for all that a well-behaved client would not send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::answer::Answer;
use super::api::Api;

/// A request that is yet to be sent, with nothing in it but what it is given.
pub(crate) struct Raw<'a> {
    api: &'a Api,
    method: &'a str,
    target: &'a str,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl<'a> Raw<'a> {
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

    /// Adds what stands behind the headers, as it is: without a length.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it, and checks the answer.
    #[track_caller]
    pub(crate) fn send(self) -> Answer {
        let (mut stream, answer) = self.open();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let answer = answer.unwrap_or_else(|| read(&mut stream));
        self.api.description.check(self.method, self.target, None, &answer);
        answer
    }

    /// Sends it and leaves the connection, unread, to the caller.
    pub(crate) fn open(&self) -> (TcpStream, Option<Answer>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.api.server.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(&self.head).unwrap();
        stream.write_all(b"\r\n").unwrap();
        // The server may answer and close before it has read a body that it does not want.
        let sent = stream.write_all(&self.body);
        let early = sent.is_err().then(|| read(&mut stream));
        (stream, early)
    }
}

/// Reads an answer behind which the server closes the connection.
fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A reset behind a whole answer does not matter; half an answer is noticed.
    let _ = stream.read_to_end(&mut bytes);
    Answer::parse(&bytes)
}
