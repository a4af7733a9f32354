//! SIGTERM under load: nobody is turned away who was let in.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::http::{Client, connect, read_answer};
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::{alone, cluster, measured, server, server_with};

/// The server's own `SHUTDOWN_TIMEOUT` in these tests.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

#[test]
fn every_request_that_was_accepted_is_answered_after_sigterm() {
    alone(|| {
        let Some(cluster) = cluster() else { return };
        let url = cluster.create_database();
        let server = server_with(&url, &[("SHUTDOWN_TIMEOUT", "5s")]);
        let database = url.rsplit('/').next().unwrap();
        thread::scope(|scope| {
            // The table is locked, so that all of them are under way when the signal comes.
            let lock = "BEGIN; LOCK TABLE todos; SELECT pg_sleep(0.6); COMMIT";
            scope.spawn(|| cluster.psql(database, lock));
            thread::sleep(Duration::from_millis(150));
            let answers: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| Client::new(server.port(), &new_id()).get(TODOS).unwrap()))
                .collect();
            thread::sleep(Duration::from_millis(150));
            server.terminate();
            for answer in answers {
                let answer = answer.join().unwrap();
                assert_eq!(answer.status, 200, "{answer:?}");
                assert_eq!(answer.header("connection"), Some("close"));
            }
        });
        assert_eq!(server.wait_exit(SHUTDOWN_TIMEOUT).code(), Some(0));
    });
}

/// A client that leaves when it is asked to, on SQLite.
#[test]
fn a_client_that_honours_connection_close_sees_no_error_when_sqlite_serves() {
    alone(|| {
        let database = TestDatabase::sqlite();
        leave_politely(&server_with(database.url(), &[("SHUTDOWN_TIMEOUT", "5s")]));
    });
}

#[test]
fn a_client_that_honours_connection_close_sees_no_error_when_postgres_serves() {
    alone(|| {
        let Some(cluster) = cluster() else { return };
        let url = cluster.create_database();
        leave_politely(&server_with(&url, &[("SHUTDOWN_TIMEOUT", "5s")]));
    });
}

fn leave_politely(server: &Server) {
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| call_until_asked_to_leave(server.port(), &answered)))
            .collect();
        while answered.load(Ordering::Relaxed) < 500 {
            thread::sleep(Duration::from_millis(5));
        }
        // On connections that it had before. Two: the stop may come while the first is being answered.
        let mut idle = [0; 2].map(|_| Client::new(server.port(), &new_id()));
        for client in &mut idle {
            client.get("/health").unwrap();
        }
        server.terminate();
        let told = Instant::now();
        let [first, second] = &mut idle;
        let mut ready = first.get("/health/ready").unwrap();
        while ready.status == 200 && told.elapsed() < SHUTDOWN_TIMEOUT {
            let client = if first.is_parted() { &mut *second } else { &mut *first };
            ready = client.get("/health/ready").unwrap();
        }
        assert!(ready.is_unavailable(), "{ready:?}");
        drop(idle);
        for client in clients {
            client.join().unwrap();
        }
        assert_eq!(server.wait_exit(SHUTDOWN_TIMEOUT).code(), Some(0));
        measured("from SIGTERM under load to the end", &format!("{:?}", told.elapsed()));
        let refused = TcpStream::connect(("127.0.0.1", server.port())).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    });
}

fn call_until_asked_to_leave(port: u16, answered: &AtomicUsize) {
    let mut client = Client::new(port, &new_id());
    loop {
        let answer = client.get(TODOS).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answered.fetch_add(1, Ordering::Relaxed);
        if client.is_parted() {
            return;
        }
    }
}

#[test]
fn a_server_without_clients_stops_at_once() {
    alone(|| {
        let database = TestDatabase::sqlite();
        let server = server(database.url());
        server.terminate();
        let told = Instant::now();
        assert_eq!(server.wait_exit(Duration::from_secs(5)).code(), Some(0));
        let took = told.elapsed();
        assert!(took < Duration::from_millis(700), "it took {took:?}");
    });
}

/// An idle connection, and one on which half a request has come, do not keep the server from stopping.
#[test]
fn clients_that_say_nothing_do_not_keep_the_server_up() {
    alone(|| {
        let database = TestDatabase::sqlite();
        let server = server_with(database.url(), &[("SHUTDOWN_TIMEOUT", "5s")]);
        let mut idle = Client::new(server.port(), &new_id());
        idle.get("/health").unwrap();
        let mut silent = connect(SocketAddr::from(([127, 0, 0, 1], server.port()))).unwrap();
        std::io::Write::write_all(&mut silent, b"GET /health HTTP/1.1\r\nHost:").unwrap();
        server.terminate();
        let told = Instant::now();
        assert_eq!(server.wait_exit(SHUTDOWN_TIMEOUT + Duration::from_secs(1)).code(), Some(0));
        measured("from SIGTERM with silent clients to the end", &format!("{:?}", told.elapsed()));
        drop(read_answer(&mut std::io::BufReader::new(silent), false));
    });
}

/// Two copies, one after the other replaced by a new one, behind a proxy that takes turns.
#[test]
fn a_rolling_restart_of_two_copies_fails_no_request() {
    alone(|| {
        let database = TestDatabase::sqlite();
        let start = |port: u16| {
            let port = port.to_string();
            let delay = ("SHUTDOWN_DELAY", "500ms");
            server_with(database.url(), &[delay, ("SHUTDOWN_TIMEOUT", "5s"), ("PORT", &port)])
        };
        let mut copies = [start(0), start(0)];
        let proxy = Proxy::new(copies.each_ref().map(Server::port));
        thread::scope(|scope| {
            let clients: Vec<_> = (0..8).map(|_| scope.spawn(|| proxy.take_turns())).collect();
            for (copy, port) in copies.iter_mut().zip(proxy.ports) {
                proxy.wait_for_answers(500);
                copy.terminate();
                assert_eq!(copy.wait_exit(SHUTDOWN_TIMEOUT).code(), Some(0));
                *copy = start(port);
            }
            proxy.wait_for_answers(500);
            proxy.stop.store(true, Ordering::Relaxed);
            for client in clients {
                client.join().unwrap();
            }
        });
        let answered = proxy.answered.into_inner();
        measured("requests in a rolling restart, none failed", &answered.to_string());
    });
}

/// Calls two copies in turn. It leaves one alone for a second that says goodbye, or where nothing listens; it
/// retries nothing that was sent.
struct Proxy {
    ports: [u16; 2],
    origin: Instant,
    avoided_until: [AtomicUsize; 2],
    answered: AtomicUsize,
    stop: AtomicBool,
}

impl Proxy {
    fn new(ports: [u16; 2]) -> Self {
        Self {
            ports,
            origin: Instant::now(),
            avoided_until: Default::default(),
            answered: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        }
    }

    #[track_caller]
    fn wait_for_answers(&self, count: usize) {
        let (aim, begun) = (self.answered.load(Ordering::Relaxed) + count, Instant::now());
        while self.answered.load(Ordering::Relaxed) < aim {
            assert!(begun.elapsed() < Duration::from_secs(20), "there are no answers any more");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn avoid(&self, copy: usize) {
        let until = self.origin.elapsed().as_millis() + 1_000;
        self.avoided_until[copy].store(usize::try_from(until).unwrap(), Ordering::Relaxed);
    }

    fn is_avoided(&self, copy: usize) -> bool {
        let until = self.avoided_until[copy].load(Ordering::Relaxed);
        self.origin.elapsed().as_millis() < until as u128
    }

    fn take_turns(&self) {
        let user = new_id();
        let mut clients = self.ports.map(|port| Client::new(port, &user));
        for turn in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let mut copy = turn % 2;
            if self.is_avoided(copy) {
                copy = 1 - copy;
            }
            clients[copy].look().unwrap();
            if let Err(error) = clients[copy].connect() {
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                self.avoid(copy);
                continue;
            }
            let answer = clients[copy].get(TODOS).unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            if clients[copy].is_parted() {
                self.avoid(copy);
            }
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}
