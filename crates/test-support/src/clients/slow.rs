//! Clients that send or read a byte a second.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::http::{HANGS, connect};
use super::ledger::TODOS;

/// For how long the server waits for the head of a connection's first request.
const HEAD: Duration = Duration::from_secs(5);
/// For how long it waits for a body.
const BODY: Duration = Duration::from_secs(10);
/// For how long it waits for anything else, and `DATABASE_TIMEOUT` more.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many there are of each of the [`kinds`] but the readers.
const SENDERS: usize = 100;

/// What a slow client sends at once, and what it goes on with.
#[derive(Debug)]
pub struct Kind {
    /// What is slow.
    pub name: &'static str,
    /// How long the server waits for it, at least.
    pub limit: Duration,
    /// Whether it reads what comes, or a byte a second.
    pub reads: bool,
    begin: String,
    trickle: &'static [u8],
}

/// A slow client, with all that it has been answered.
#[derive(Debug)]
pub struct Slow {
    /// Which of the kinds it is.
    pub kind: usize,
    /// All that it has read.
    pub answer: Vec<u8>,
    /// When it saw that the server has cut it off.
    pub ended: Option<Instant>,
    stream: TcpStream,
}

/// Every kind of slow client of a user whose todos do not fit into the buffers on the way.
#[must_use]
pub fn kinds(user: &str, database_timeout: Duration) -> [Kind; 5] {
    let head = |method: &str, target: &str| {
        format!("{method} {target} HTTP/1.1\r\nHost: test\r\nX-User-ID: {user}\r\n")
    };
    let json = format!("{}Content-Type: application/json\r\n", head("POST", TODOS));
    let health = format!("{}\r\n", head("GET", "/health"));
    let patience = PATIENCE + database_timeout;
    let kind = |name, begin, trickle, limit| Kind { name, begin, trickle, reads: true, limit };
    [
        kind("a slow head", head("GET", TODOS), b"a", HEAD),
        kind("a slow body", format!("{json}Content-Length: 1000\r\n\r\n"), b" ", BODY),
        kind(
            "a body without an end that nobody wants",
            format!("{}Transfer-Encoding: chunked\r\n\r\n", head("POST", "/nowhere")),
            b"1\r\n \r\n",
            patience,
        ),
        Kind {
            reads: false,
            ..kind(
                "a slow head after another request",
                format!("{health}{}", head("GET", TODOS)),
                b"a",
                patience,
            )
        },
        Kind {
            reads: false,
            ..kind("a slow reader", format!("{}\r\n", head("GET", TODOS)), b"", patience)
        },
    ]
}

/// A statement for Postgres that gives a user more todos than fit into the buffers on the way.
#[must_use]
pub fn todos_of(user: &str) -> String {
    format!(
        "INSERT INTO todos SELECT '{user}', gen_random_uuid(), 'todo', text, false, now(), now(), 1, \
         'todo', text FROM repeat('x', 2000) AS text, generate_series(1, 6000)"
    )
}

/// Connects a hundred clients of each kind, but so many readers, and has them send what they send at once. Each reader
/// is first sent all that fits into the buffers on the way, which are megabytes.
#[must_use]
pub fn connect_all(port: u16, kinds: &[Kind; 5], readers: usize) -> Vec<Slow> {
    let counts = [SENDERS, SENDERS, SENDERS, SENDERS, readers];
    let numbers = (0..kinds.len()).flat_map(|kind| std::iter::repeat_n(kind, counts[kind]));
    let one = |kind: usize| {
        let mut stream = connect(([127, 0, 0, 1], port).into()).expect("the server listens");
        stream.write_all(kinds[kind].begin.as_bytes()).expect("it is open");
        stream.set_nonblocking(true).expect("a socket option");
        Slow { kind, stream, answer: Vec::new(), ended: None }
    };
    numbers.map(one).collect()
}

/// Goes on, a byte a second, until the server has cut all of them off. Panics if it does not.
#[track_caller]
pub fn go_on_until_cut_off(clients: &mut [Slow], kinds: &[Kind; 5]) {
    let begun = Instant::now();
    let longest = kinds.iter().map(|it| it.limit).max().unwrap_or_default();
    while let Some(left) = clients.iter().find(|it| it.ended.is_none()) {
        let name = kinds[left.kind].name;
        assert!(begun.elapsed() < longest + HANGS, "{name} was not cut off");
        thread::sleep(Duration::from_secs(1));
        for client in clients.iter_mut().filter(|it| it.ended.is_none()) {
            client.go_on(&kinds[client.kind]);
        }
    }
}

impl Slow {
    /// One second's worth.
    fn go_on(&mut self, kind: &Kind) {
        // A connection that was reset can still be read as far as it had come.
        let is_reset = self.stream.take_error().is_ok_and(|it| it.is_some());
        let sent = self.stream.write_all(kind.trickle);
        let mut buffer = [0; 4096];
        let length = if kind.reads { buffer.len() } else { 1 };
        let read = loop {
            match self.stream.read(&mut buffer[..length]) {
                Ok(0) => break Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.answer.extend(&buffer[..length]),
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

    /// Whether all of a list can still be read. What has arrived before a connection is cut always can.
    pub fn gets_the_rest(&mut self) -> bool {
        // It fails only where there is no connection any more.
        let _ = self.stream.set_nonblocking(false);
        let _ = self.stream.read_to_end(&mut self.answer);
        self.answer.ends_with(b"0\r\n\r\n")
    }
}
