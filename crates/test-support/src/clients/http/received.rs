//! What a connection has received.

use std::io::{self, Error, ErrorKind};

use httparse::{EMPTY_HEADER, Header, Status};

use super::Response;

/// More headers than any response of the server has.
const MAX_HEADERS: usize = 32;

/// Free space for the next bytes.
const SPARE_BYTES: usize = 16 * 1024;

/// The bytes received on a connection, from the start of a response on. Its memory is kept, so that a load allocates
/// nothing per response.
#[derive(Debug, Default)]
pub struct Received {
    bytes: Vec<u8>,
    /// The head of the first response, once it has been received.
    head: Option<Head>,
}

/// What the head of a response says about its end.
#[derive(Debug)]
struct Head {
    status: u16,
    closes_connection: bool,
    /// The length of the head.
    length: usize,
    is_chunked: bool,
    /// Where the response ends; of a chunked one, where the received chunks end.
    end: usize,
}

impl Received {
    /// The buffer to append received bytes to, with space for some.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.bytes.reserve(SPARE_BYTES);
        &mut self.bytes
    }

    /// Whether the first response is complete. Interim responses (1xx) are skipped. `is_head` says that it has no body.
    ///
    /// # Errors
    /// If it is not HTTP, or its length is ambiguous.
    pub fn is_complete(&mut self, is_head: bool) -> io::Result<bool> {
        while self.head.is_none() {
            if self.bytes.is_empty() {
                return Ok(false);
            }
            let Some(head) = Head::parse(&self.bytes, is_head)? else { return Ok(false) };
            if (100..200).contains(&head.status) {
                self.bytes.drain(..head.length);
            } else {
                self.head = Some(head);
            }
        }
        match &mut self.head {
            Some(head) if head.is_chunked => head.skip_chunks(&self.bytes),
            Some(head) => Ok(self.bytes.len() >= head.end),
            None => Ok(false),
        }
    }

    /// The status of the first response, whose head must have been received.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head().status
    }

    /// Whether the server closes the connection after it.
    #[must_use]
    pub fn closes_connection(&self) -> bool {
        self.head().closes_connection
    }

    /// A copy of the first response, which must be complete.
    #[must_use]
    pub fn response(&self) -> Response {
        let head = self.head();
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        parsed.parse(&self.bytes).expect("it was parsed before");
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let pair = |it: &Header<'_>| (it.name.to_ascii_lowercase(), text(it.value));
        let body = &self.bytes[head.length..head.end];
        Response {
            status: head.status,
            reason: parsed.reason.unwrap_or_default().to_owned(),
            headers: parsed.headers.iter().map(pair).collect(),
            body: if head.is_chunked { joined(body) } else { body.to_vec() },
        }
    }

    /// Removes the first response, which must be complete.
    pub fn remove_first(&mut self) {
        if let Some(head) = self.head.take() {
            self.bytes.drain(..head.end);
        }
    }

    fn head(&self) -> &Head {
        self.head.as_ref().expect("the head has been received")
    }
}

impl Head {
    fn parse(bytes: &[u8], is_head: bool) -> io::Result<Option<Self>> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let parse = parsed.parse(bytes).map_err(|error| {
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]);
            invalid(&format!("{error} in {start:?}"))
        });
        let Status::Complete(length) = parse? else { return Ok(None) };
        let status = parsed.code.unwrap_or_default();
        let content_length = value(parsed.headers, "content-length")?;
        let is_chunked = value(parsed.headers, "transfer-encoding")?;
        let is_chunked = is_chunked.is_some_and(|it| it.eq_ignore_ascii_case(b"chunked"));
        let connection = value(parsed.headers, "connection")?.unwrap_or_default();
        let head = |is_chunked, end| Self {
            status,
            closes_connection: connection.eq_ignore_ascii_case(b"close"),
            length,
            is_chunked,
            end,
        };
        if is_head || matches!(status, 100..200 | 204 | 304) {
            return Ok(Some(head(false, length)));
        }
        match (content_length, is_chunked) {
            (None, true) => Ok(Some(head(true, length))),
            (Some(digits), false) => {
                let body = str::from_utf8(digits).ok().and_then(|it| it.parse::<usize>().ok());
                let end = body.and_then(|it| it.checked_add(length));
                Ok(Some(head(false, end.ok_or_else(|| invalid("the Content-Length"))?)))
            }
            _ => Err(invalid("a response needs either a Content-Length or chunks")),
        }
    }

    /// Moves the end behind all complete chunks. Returns whether the last one is among them.
    fn skip_chunks(&mut self, bytes: &[u8]) -> io::Result<bool> {
        while let Some((start, end)) = chunk(&bytes[self.end..])? {
            let end = self.end.saturating_add(end);
            let next = end.saturating_add(2);
            let Some(delimiter) = bytes.get(end..next) else { return Ok(false) };
            if delimiter != b"\r\n" {
                return Err(invalid("a chunk has another length"));
            }
            let is_last = self.end + start == end;
            self.end = next;
            if is_last {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Where the data of a chunk begin and end; `None` if its length has not been received.
fn chunk(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    match httparse::parse_chunk_size(bytes) {
        Ok(Status::Complete((start, length))) => {
            let end = usize::try_from(length).ok().and_then(|it| it.checked_add(start));
            Ok(Some((start, end.ok_or_else(|| invalid("the length of a chunk"))?)))
        }
        Ok(Status::Partial) => Ok(None),
        Err(_) => Err(invalid("the length of a chunk")),
    }
}

/// The data of complete chunks.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(chunks.len());
    while let Ok(Some((start, end))) = chunk(chunks) {
        body.extend_from_slice(&chunks[start..end]);
        chunks = &chunks[end + 2..];
    }
    body
}

/// The value of a header that may occur only once.
fn value<'a>(headers: &[Header<'a>], name: &str) -> io::Result<Option<&'a [u8]>> {
    let mut values = headers.iter().filter(|it| it.name.eq_ignore_ascii_case(name));
    let first = values.next().map(|it| it.value);
    if values.next().is_some() { Err(invalid(&format!("{name} occurs twice"))) } else { Ok(first) }
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("invalid response: {what}"))
}

#[cfg(test)]
mod tests;
