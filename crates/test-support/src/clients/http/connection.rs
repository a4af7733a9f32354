//! One blocking connection.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::{HANG_TIMEOUT, Received, Response};

/// A connection to the server, for requests as bytes.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: Received,
}

impl From<TcpStream> for Connection {
    fn from(stream: TcpStream) -> Self {
        Self { stream, received: Received::default() }
    }
}

impl Connection {
    /// Connects to this port of 127.0.0.1.
    ///
    /// # Errors
    /// If nothing listens there, or connecting takes too long.
    pub fn open(port: u16) -> io::Result<Self> {
        connect(port).map(Self::from)
    }

    /// Sends these bytes.
    ///
    /// # Errors
    /// Those of the connection. The server may have responded before.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads one response. `is_head` says that it has no body.
    ///
    /// # Errors
    /// If the connection ends before the response is complete, or the response is invalid.
    pub fn receive(&mut self, is_head: bool) -> io::Result<Response> {
        let mut chunk = [0; 16 * 1024];
        while !self.received.is_complete(is_head)? {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(ended_early()),
                Ok(length) => self.received.buffer().extend_from_slice(&chunk[..length]),
                // A read with a timeout is not resumed by itself when the process was stopped (`signal(7)`).
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let response = self.received.response();
        self.received.remove_first();
        Ok(response)
    }

    /// Everything else until the connection is closed or reset, or until [`HANG_TIMEOUT`] has passed.
    pub fn rest(&mut self) -> Vec<u8> {
        // A reset after the last byte does not matter; what is missing is noticed.
        let _ = self.stream.read_to_end(self.received.buffer());
        std::mem::take(self.received.buffer())
    }

    /// The socket.
    #[must_use]
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }
}

/// Opens a connection to this port of 127.0.0.1, with [`HANG_TIMEOUT`] as the timeout of all operations.
///
/// # Errors
/// If nothing listens there.
pub fn connect(port: u16) -> io::Result<TcpStream> {
    connect_to(address(port))
}

pub(super) fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, HANG_TIMEOUT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(HANG_TIMEOUT))?;
    stream.set_write_timeout(Some(HANG_TIMEOUT))?;
    Ok(stream)
}

/// Opens a connection to this port of 127.0.0.1 and sends one request on it.
#[must_use]
pub fn idle_connection(port: u16) -> TcpStream {
    let mut stream = connect(port).expect("the server listens");
    let request = b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n";
    stream.write_all(request).expect("it is open");
    stream
}

pub(crate) fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

pub(crate) fn ended_early() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the connection ended before the response did")
}
