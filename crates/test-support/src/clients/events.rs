//! A client of event streams.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::http::{Request, connect};

/// An open event stream.
#[derive(Debug)]
pub struct EventStream {
    stream: BufReader<TcpStream>,
    head: String,
    /// What has been received and not been read.
    text: String,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its type.
    pub name: String,
    /// Its id: a token.
    pub id: String,
    /// Its data.
    pub data: String,
}

impl EventStream {
    /// Opens the stream of a user who is identified by this header.
    ///
    /// # Panics
    /// Unless the response is a stream.
    #[must_use]
    #[track_caller]
    pub fn open(port: u16, query: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = connect(port).expect("the server listens");
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
        let mut request = Request::default();
        request.set("GET", &format!("/api/v1/todos/events{query}"), &headers, None);
        stream.write_all(request.as_bytes()).expect("it is open");
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).expect("a head") > 0, "the server closed: {head}");
        }
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        Self { stream, head: head.to_lowercase(), text: String::new() }
    }

    /// The head of the response, in lower case.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }

    /// The next event.
    ///
    /// # Panics
    /// If the stream ends, or none comes for a long time.
    #[track_caller]
    pub fn next_event(&mut self) -> Event {
        loop {
            let block = self.next_block().expect("an event, but the stream has ended");
            let field = |name: &str| {
                let mut values = block.lines().filter_map(|line| line.strip_prefix(name));
                values.next().unwrap_or_default().to_owned()
            };
            let name = field("event: ");
            if !name.is_empty() {
                return Event { name, id: field("id: "), data: field("data: ") };
            }
        }
    }

    /// The next lines up to an empty one: an event, a comment, or the time to wait before coming back. `None` at the
    /// end of the stream.
    ///
    /// # Panics
    /// If none comes for a long time.
    #[track_caller]
    pub fn next_block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = self.chunk()?;
            self.text.push_str(&chunk);
        }
    }

    /// The next chunk of the body; `None` at its end, or when the connection is lost.
    fn chunk(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).map_err(|error| expect_no_timeout(&error)).ok()?;
        let length = usize::from_str_radix(line.trim_end(), 16).ok().filter(|it| *it > 0)?;
        let mut chunk = vec![0; length + 2];
        self.stream.read_exact(&mut chunk).map_err(|error| expect_no_timeout(&error)).ok()?;
        chunk.truncate(length);
        Some(String::from_utf8(chunk).expect("a stream is UTF-8"))
    }
}

/// A lost connection is an end; silence is not.
fn expect_no_timeout(error: &std::io::Error) {
    let is_timeout =
        matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
    assert!(!is_timeout, "nothing was received for a long time");
}
