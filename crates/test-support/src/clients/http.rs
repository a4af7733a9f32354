//! A small HTTP client that exposes what a library would hide: resets, closed connections, late responses.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Ends a test that hangs. It says nothing about the expected speed.
pub const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// The client closes a connection that was idle for longer than this: far earlier than the server does (`KEEP_ALIVE`),
/// so that no request is lost if the machine stalls for seconds.
const MAX_IDLE: Duration = Duration::from_secs(1);

/// A complete response.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, without its transfer coding.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of the first header with this name, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(it, _)| it == name);
        values.next().map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null if it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether it is a 503 with `Retry-After` in the common error format.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.status == 503
            && self.header("retry-after").is_some_and(|it| it.parse::<u32>().is_ok())
            && self.header("content-type") == Some("application/problem+json")
            && self.json()["error_code"] == "SERVICE_UNAVAILABLE"
    }

    fn closes_connection(&self) -> bool {
        self.header("connection").is_some_and(|it| it.eq_ignore_ascii_case("close"))
    }
}

/// A client of one server, on behalf of one user, with one persistent connection.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    user: String,
    stream: Option<BufReader<TcpStream>>,
    last_used: Instant,
}

impl Client {
    /// A client of the server on this port of 127.0.0.1. The first call connects.
    #[must_use]
    pub fn new(port: u16, user: &str) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Self { address, user: user.to_owned(), stream: None, last_used: Instant::now() }
    }

    /// Connects, unless it is connected.
    ///
    /// # Errors
    /// If nothing listens, or connecting takes too long.
    pub fn connect(&mut self) -> io::Result<&mut BufReader<TcpStream>> {
        if self.last_used.elapsed() > MAX_IDLE {
            self.stream = None;
        }
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => BufReader::new(connect(self.address)?),
        };
        Ok(self.stream.insert(stream))
    }

    /// Closes its connection, if it has one.
    pub fn disconnect(&mut self) {
        self.stream = None;
    }

    /// Whether it has no connection: the server sent `Connection: close`, or it never connected.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.stream.is_none()
    }

    /// Sends a GET.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn get(&mut self, target: &str) -> io::Result<Response> {
        self.call("GET", target, None)
    }

    /// Sends a request and reads the response.
    ///
    /// # Errors
    /// Those of the connection, which is then closed.
    pub fn call(
        &mut self,
        method: &str,
        target: &str,
        body: Option<&Value>,
    ) -> io::Result<Response> {
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nHost: test\r\nX-User-ID: {}\r\n", self.user);
        if let Some(body) = body {
            let body = body.to_string();
            let length = body.len();
            request.push_str("Content-Type: application/json\r\n");
            // Writing to a string cannot fail.
            let _ = write!(request, "Content-Length: {length}\r\n\r\n{body}");
        } else {
            request.push_str("\r\n");
        }
        let stream = self.connect()?;
        let result = stream
            .get_mut()
            .write_all(request.as_bytes())
            .and_then(|()| read_response(stream, method == "HEAD"));
        self.last_used = Instant::now();
        if !result.as_ref().is_ok_and(|response| !response.closes_connection()) {
            self.stream = None;
        }
        result
    }
}

/// Opens a connection with [`HANG_TIMEOUT`] as the timeout of all operations.
///
/// # Errors
/// If nothing listens there.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, HANG_TIMEOUT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(HANG_TIMEOUT))?;
    stream.set_write_timeout(Some(HANG_TIMEOUT))?;
    Ok(stream)
}

/// Opens a connection to this port of 127.0.0.1 and sends one request on it.
#[must_use]
pub fn idle_connection(port: u16) -> TcpStream {
    let mut stream = connect(([127, 0, 0, 1], port).into()).expect("the server listens");
    let request = b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n";
    stream.write_all(request).expect("it is open");
    stream
}

/// Reads one response.
///
/// # Errors
/// If the connection ends before the response is complete.
pub fn read_response(stream: &mut impl BufRead, is_head: bool) -> io::Result<Response> {
    let status_line = read_line(stream)?;
    let status = status_line.split(' ').nth(1).and_then(|it| it.parse().ok());
    let status = status.ok_or_else(|| Error::new(ErrorKind::InvalidData, status_line.clone()))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut response = Response { status, headers, body: Vec::new() };
    if is_head || matches!(status, 100..200 | 204 | 304) {
        return Ok(response);
    }
    if let Some(length) = response.header("content-length").and_then(|it| it.parse().ok()) {
        response.body = read_exactly(stream, length)?;
    } else if response.header("transfer-encoding") == Some("chunked") {
        loop {
            let line = read_line(stream)?;
            let length = usize::from_str_radix(&line, 16)
                .map_err(|_| Error::new(ErrorKind::InvalidData, line.clone()))?;
            response.body.extend(read_exactly(stream, length)?);
            read_line(stream)?;
            if length == 0 {
                break;
            }
        }
    }
    Ok(response)
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(Error::new(
            ErrorKind::UnexpectedEof,
            "the connection ended without a response",
        ));
    }
    line.pop_if(|last| *last == b'\r');
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn read_exactly(stream: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
