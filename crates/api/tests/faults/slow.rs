//! Clients that send or read a byte a second, many at once.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::http::{Client, connect};
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::{alone, cluster, measured, server_with};

/// Of each kind, but for readers, who are first sent all that fits into the buffers on the way.
const CLIENTS: usize = 100;
const READERS: usize = 20;

/// For how long the server waits: for the head of a connection's first request, for a body, for anything.
const HEAD: Duration = Duration::from_secs(5);
const BODY: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(31);

/// What this test's own clients may cost.
const NOISE: Duration = Duration::from_secs(8);

/// What a slow client sends at once, what it goes on with, and when it is to be cut off.
struct Kind {
    name: &'static str,
    begin: String,
    trickle: &'static [u8],
    reads: bool,
    limit: Duration,
    clients: usize,
}

/// A client, with all that it has been answered.
struct Slow {
    kind: usize,
    stream: TcpStream,
    answer: Vec<u8>,
    ended: Option<Duration>,
}

#[test]
fn slow_clients_disturb_nobody_and_are_cut_off() {
    alone(|| {
        let Some(cluster) = cluster() else { return };
        let url = cluster.create_database();
        let server = server_with(&url, &[("DATABASE_POOL_SIZE", "2"), ("HTTP_WORKERS", "2")]);
        let reader = new_id();
        // More than fits into the buffers on the way.
        cluster.psql(
        url.rsplit('/').next().unwrap(),
        &format!(
            "INSERT INTO todos SELECT '{reader}', gen_random_uuid(), 'todo', text, false, now(), \
             now(), 1, 'todo', text FROM repeat('x', 2000) AS text, generate_series(1, 6000)"
        ),
    );
        let kinds = kinds(&reader);
        let begun = Instant::now();
        let numbers = 0..kinds.len();
        let mut slow: Vec<_> = numbers
            .flat_map(|kind| std::iter::repeat_n(kind, kinds[kind].clients))
            .map(|kind| {
                let mut stream = connect(([127, 0, 0, 1], server.port()).into()).unwrap();
                stream.write_all(kinds[kind].begin.as_bytes()).unwrap();
                stream.set_nonblocking(true).unwrap();
                Slow { kind, stream, answer: Vec::new(), ended: None }
            })
            .collect();

        let done = AtomicBool::new(false);
        let slowest = thread::scope(|scope| {
            let others = scope.spawn(|| others(server.port(), &done));
            while begun.elapsed() < PATIENCE + NOISE {
                thread::sleep(Duration::from_secs(1));
                for client in slow.iter_mut().filter(|it| it.ended.is_none()) {
                    client.go_on(&kinds[client.kind], begun);
                }
            }
            done.store(true, Ordering::Relaxed);
            others.join().unwrap()
        });
        measured("slowest answer to others beside slow clients", &format!("{slowest:?}"));
        measured("rss with slow clients", &format!("{:?}", server.rss_bytes()));
        for (number, kind) in kinds.iter().enumerate() {
            for client in slow.iter_mut().filter(|it| it.kind == number) {
                if kind.clients == READERS {
                    assert!(!client.gets_the_rest(), "{} was not cut off", kind.name);
                    continue;
                }
                let ended = client.ended.unwrap_or_else(|| panic!("{} was not cut off", kind.name));
                let limit = kind.limit;
                assert!(ended >= limit && ended < limit + NOISE, "{} after {ended:?}", kind.name);
                if !kind.reads {
                    continue;
                }
                let answer = String::from_utf8_lossy(&client.answer).into_owned();
                assert!(answer.contains(r#""status":4"#), "{}: {answer}", kind.name);
            }
        }
        assert!(slowest < Duration::from_secs(1), "an answer took {slowest:?}");
    });
}

fn kinds(reader: &str) -> [Kind; 5] {
    let head = |method: &str, target: &str| {
        format!("{method} {target} HTTP/1.1\r\nHost: test\r\nX-User-ID: {reader}\r\n")
    };
    let json = format!("{}Content-Type: application/json\r\n", head("POST", TODOS));
    let health = format!("{}\r\n", head("GET", "/health"));
    let kind = |name, begin, trickle, limit| Kind {
        name,
        begin,
        trickle,
        reads: true,
        limit,
        clients: CLIENTS,
    };
    [
        kind("a slow head", head("GET", TODOS), b"a", HEAD),
        kind("a slow body", format!("{json}Content-Length: 1000\r\n\r\n"), b" ", BODY),
        kind(
            "a body without an end that nobody wants",
            format!("{}Transfer-Encoding: chunked\r\n\r\n", head("POST", "/nowhere")),
            b"1\r\n \r\n",
            PATIENCE,
        ),
        Kind {
            name: "a slow head after another request",
            begin: format!("{health}{}", head("GET", TODOS)),
            trickle: b"a",
            reads: false,
            limit: PATIENCE,
            clients: CLIENTS,
        },
        Kind {
            name: "a slow reader",
            begin: format!("{}\r\n", head("GET", TODOS)),
            trickle: b"",
            reads: false,
            limit: PATIENCE,
            clients: READERS,
        },
    ]
}

impl Slow {
    /// One second's worth.
    fn go_on(&mut self, kind: &Kind, begun: Instant) {
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
        if sent.is_err_and(|error| cannot_write(&error)) || read.is_err() {
            self.ended = Some(begun.elapsed());
        }
    }
}

impl Slow {
    /// Whether all of a list can still be read. What has arrived before a connection is cut always can.
    fn gets_the_rest(&mut self) -> bool {
        self.stream.set_nonblocking(false).unwrap();
        let _ = self.stream.read_to_end(&mut self.answer);
        self.answer.ends_with(b"0\r\n\r\n")
    }
}

/// Calls that need a thread and a connection to the database. Returns how long the slowest took.
fn others(port: u16, done: &AtomicBool) -> Duration {
    let mut client = Client::new(port, &new_id());
    let mut slowest = Duration::ZERO;
    while !done.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let answer = client.get(TODOS).unwrap();
        slowest = slowest.max(begun.elapsed());
        assert_eq!(answer.status, 200, "{answer:?}");
        thread::sleep(Duration::from_millis(50));
    }
    slowest
}
