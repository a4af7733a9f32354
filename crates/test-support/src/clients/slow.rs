//! Clients that send or read one byte per second.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::http::{HANG_TIMEOUT, connect};
use super::ledger::TODOS;

/// The server's timeout for the first request head of a connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Its timeout for a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Its timeout for anything else, to which `DATABASE_TIMEOUT` is added.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The number of clients of each of the [`kinds`] except the readers.
const SENDERS: usize = 100;

/// A kind of slow client: what it sends at first, and then every second.
#[derive(Debug)]
pub struct Kind {
    /// Its name in messages.
    pub name: &'static str,
    /// The server's timeout for it.
    pub limit: Duration,
    /// Whether it reads everything, or one byte per second.
    pub reads: bool,
    initial: String,
    trickle_bytes: &'static [u8],
}

/// A slow client, with everything that it has received.
#[derive(Debug)]
pub struct SlowClient {
    /// The index of its kind.
    pub kind: usize,
    /// All bytes that it has read.
    pub response: Vec<u8>,
    /// When it noticed that the server had disconnected it.
    pub ended: Option<Instant>,
    stream: TcpStream,
}

/// Every kind of slow client, for a user whose todos do not fit into the socket buffers.
#[must_use]
pub fn kinds(user: &str, database_timeout: Duration) -> [Kind; 5] {
    let head = |method: &str, target: &str| {
        format!("{method} {target} HTTP/1.1\r\nHost: test\r\nX-User-ID: {user}\r\n")
    };
    let json = format!("{}Content-Type: application/json\r\n", head("POST", TODOS));
    let health = format!("{}\r\n", head("GET", "/health"));
    let write_timeout = WRITE_TIMEOUT + database_timeout;
    let kind = |name, initial, trickle_bytes, limit| Kind {
        name,
        initial,
        trickle_bytes,
        reads: true,
        limit,
    };
    [
        kind("a slow head", head("GET", TODOS), b"a", HEAD_TIMEOUT),
        kind("a slow body", format!("{json}Content-Length: 1000\r\n\r\n"), b" ", BODY_TIMEOUT),
        kind(
            "an endless body for an unknown route",
            format!("{}Transfer-Encoding: chunked\r\n\r\n", head("POST", "/nowhere")),
            b"1\r\n \r\n",
            write_timeout,
        ),
        Kind {
            reads: false,
            ..kind(
                "a slow head after another request",
                format!("{health}{}", head("GET", TODOS)),
                b"a",
                write_timeout,
            )
        },
        Kind {
            reads: false,
            ..kind("a slow reader", format!("{}\r\n", head("GET", TODOS)), b"", write_timeout)
        },
    ]
}

/// A Postgres statement that gives a user more todos than fit into the socket buffers.
#[must_use]
pub fn insert_many_todos(user: &str) -> String {
    format!(
        "INSERT INTO todos SELECT '{user}', gen_random_uuid(), 'todo', text, false, now(), now(), 1, \
         'todo', text FROM repeat('x', 2000) AS text, generate_series(1, 6000)"
    )
}

/// Connects a hundred clients of each kind, but `readers` readers, and sends their initial bytes. The server first
/// sends each reader what fits into the socket buffers, which is megabytes.
#[must_use]
pub fn connect_all(port: u16, kinds: &[Kind; 5], readers: usize) -> Vec<SlowClient> {
    let counts = [SENDERS, SENDERS, SENDERS, SENDERS, readers];
    let numbers = (0..kinds.len()).flat_map(|kind| std::iter::repeat_n(kind, counts[kind]));
    let one = |kind: usize| {
        let mut stream = connect(port).expect("the server listens");
        stream.write_all(kinds[kind].initial.as_bytes()).expect("it is open");
        stream.set_nonblocking(true).expect("a socket option");
        SlowClient { kind, stream, response: Vec::new(), ended: None }
    };
    numbers.map(one).collect()
}

/// Continues with one byte per second until the server has disconnected all clients. Panics if it does not.
#[track_caller]
pub fn trickle_until_disconnected(clients: &mut [SlowClient], kinds: &[Kind; 5]) {
    let start = Instant::now();
    let longest = kinds.iter().map(|it| it.limit).max().unwrap_or_default();
    while let Some(left) = clients.iter().find(|it| it.ended.is_none()) {
        let name = kinds[left.kind].name;
        assert!(start.elapsed() < longest + HANG_TIMEOUT, "{name} was not disconnected");
        thread::sleep(Duration::from_secs(1));
        for client in clients.iter_mut().filter(|it| it.ended.is_none()) {
            client.trickle(&kinds[client.kind]);
        }
    }
}

impl SlowClient {
    /// Sends and reads the bytes of one second.
    fn trickle(&mut self, kind: &Kind) {
        // After a reset, what had arrived before can still be read.
        let is_reset = self.stream.take_error().is_ok_and(|it| it.is_some());
        let sent = self.stream.write_all(kind.trickle_bytes);
        let mut buffer = [0; 4096];
        let length = if kind.reads { buffer.len() } else { 1 };
        let read = loop {
            match self.stream.read(&mut buffer[..length]) {
                Ok(0) => break Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.response.extend(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error),
            }
            if !kind.reads {
                break Ok(());
            }
        };
        let cannot_write = |error: &Error| error.kind() != ErrorKind::WouldBlock;
        if is_reset || sent.is_err_and(|error| cannot_write(&error)) || read.is_err() {
            self.ended = Some(Instant::now());
        }
    }

    /// Whether the whole list can still be read. What arrived before a disconnect always can.
    pub fn receives_whole_list(&mut self) -> bool {
        // These fail only if the connection is closed.
        let _ = self.stream.set_nonblocking(false);
        let _ = self.stream.read_to_end(&mut self.response);
        self.response.ends_with(b"0\r\n\r\n")
    }
}
