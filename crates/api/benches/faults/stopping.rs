//! SIGTERM, and a restart that nobody notices.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::clients::balancer::Balancer;
use todo_test_support::clients::http::{Client, HANGS, connect};
use todo_test_support::clients::ledger::{TODOS, new_id};
use todo_test_support::clients::load::{Load, Plan};
use todo_test_support::database::TestDatabase;
use todo_test_support::program::free_port;
use todo_test_support::server::Server;

use crate::report::Figure;
use crate::server;

/// Answers between two steps of a rolling restart.
const ANSWERS: usize = 5_000;

const CLIENTS: usize = 16;

#[expect(clippy::unnecessary_wraps, reason = "one signature for all scenarios")]
pub(crate) fn stopping() -> Option<Vec<Figure>> {
    let database = TestDatabase::sqlite();
    let start = || server(database.url(), &[("SHUTDOWN_DELAY", "0s")]);

    let without_clients = time_to_end(&start());

    let polite = start();
    let answered = AtomicUsize::new(0);
    let while_they_leave = thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| call_until_asked_to_leave(polite.port(), &answered));
        }
        while answered.load(Ordering::Relaxed) < 500 {
            thread::sleep(Duration::from_millis(5));
        }
        time_to_end(&polite)
    });

    let stubborn = start();
    let load = Load::start(stubborn.port(), Plan::mixed(CLIENTS));
    load.wait_for_good(500, HANGS);
    let while_they_come_back = time_to_end(&stubborn);
    drop(load.stop());

    let beside_silence = start();
    let mut idle = Client::new(beside_silence.port(), &new_id());
    idle.get("/health").expect("it answers");
    let mut silent = connect(([127, 0, 0, 1], beside_silence.port()).into()).expect("it listens");
    silent.write_all(b"GET /health HTTP/1.1\r\nHost:").expect("it is open");
    let beside_silence = time_to_end(&beside_silence);

    Some(vec![
        Figure::time("to the end, without clients", without_clients),
        Figure::time("to the end, with 16 clients that leave when asked", while_they_leave),
        Figure::time("to the end, with 16 clients that connect again", while_they_come_back),
        Figure::time("to the end, with clients that say nothing", beside_silence),
    ])
}

fn call_until_asked_to_leave(port: u16, answered: &AtomicUsize) {
    let mut client = Client::new(port, &new_id());
    while client.get(TODOS).is_ok() {
        answered.fetch_add(1, Ordering::Relaxed);
        if client.is_parted() {
            return;
        }
    }
}

fn time_to_end(server: &Server) -> Duration {
    let told = Instant::now();
    server.terminate();
    let status = server.wait_exit(HANGS);
    let took = told.elapsed();
    assert_eq!(status.code(), Some(0));
    took
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for all scenarios")]
pub(crate) fn rolling() -> Option<Vec<Figure>> {
    let database = TestDatabase::sqlite();
    let ports = [free_port(), free_port()];
    let start = |port: u16| {
        server(database.url(), &[("SHUTDOWN_DELAY", "1s"), ("PORT", &port.to_string())])
    };
    let mut copies = ports.map(start);
    let balancer = Balancer::new(ports);
    balancer.serve(8, || {
        for (copy, port) in copies.iter_mut().zip(ports) {
            balancer.wait_for_answers(ANSWERS);
            copy.terminate();
            assert_eq!(copy.wait_exit(HANGS).code(), Some(0));
            *copy = start(port);
        }
        balancer.wait_for_answers(ANSWERS);
    });
    Some(vec![
        Figure::count("requests", balancer.answered() + balancer.failed()),
        Figure::count("failed", balancer.failed()),
    ])
}
