//! Graceful shutdown and rolling restart.

use std::time::{Duration, Instant};

use todo_test_support::clients::balancer::Balancer;
use todo_test_support::clients::http::{Client, Connection, HANG_TIMEOUT};
use todo_test_support::clients::ledger::new_id;
use todo_test_support::clients::load::{Load, Plan};
use todo_test_support::database::TestDatabase;
use todo_test_support::program::free_port;
use todo_test_support::server::Server;

use crate::report::Figure;
use crate::server;

/// The number of responses between two steps of a rolling restart.
const RESPONSES: usize = 5_000;

const CLIENTS: usize = 16;

#[expect(clippy::unnecessary_wraps, reason = "one signature for all scenarios")]
pub(crate) fn stopping() -> Option<Vec<Figure>> {
    let database = TestDatabase::sqlite();
    let start = || server(database.url(), &[("SHUTDOWN_DELAY", "0s")]);

    let without_clients = time_to_exit(&start());

    let with_honouring_clients = start();
    let load = Load::start(with_honouring_clients.port(), Plan::lists_until_closed(CLIENTS));
    load.wait_for_successes(500, HANG_TIMEOUT);
    let honouring = time_to_exit(&with_honouring_clients);
    drop(load.wait());

    let with_reconnecting_clients = start();
    // A thread for each, because a single thread would sometimes find all connections closed at once, and the server
    // would exit at that moment.
    let one = |_| Load::start(with_reconnecting_clients.port(), Plan::mixed(1));
    let loads: Vec<_> = (0..CLIENTS).map(one).collect();
    for load in &loads {
        load.wait_for_successes(500 / CLIENTS, HANG_TIMEOUT);
    }
    let reconnecting = time_to_exit(&with_reconnecting_clients);
    drop(loads.into_iter().map(Load::stop).collect::<Vec<_>>());

    let with_silent_clients = start();
    let mut idle = Client::new(with_silent_clients.port(), &new_id());
    idle.get("/health").expect("the server responds");
    let mut silent = Connection::open(with_silent_clients.port()).expect("it listens");
    silent.send(b"GET /health HTTP/1.1\r\nHost:").expect("it is open");
    let with_silent_clients = time_to_exit(&with_silent_clients);

    Some(vec![
        Figure::time("exit without clients", without_clients),
        Figure::time("exit with 16 clients that honour `Connection: close`", honouring),
        Figure::time("exit with 16 clients that reconnect", reconnecting),
        Figure::time("exit with silent clients", with_silent_clients),
    ])
}

fn time_to_exit(server: &Server) -> Duration {
    let signalled = Instant::now();
    server.terminate();
    let status = server.wait_exit(HANG_TIMEOUT);
    let took = signalled.elapsed();
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
            balancer.wait_for_responses(RESPONSES);
            copy.terminate();
            assert_eq!(copy.wait_exit(HANG_TIMEOUT).code(), Some(0));
            *copy = start(port);
        }
        balancer.wait_for_responses(RESPONSES);
    });
    Some(vec![
        Figure::count("requests", balancer.succeeded() + balancer.failed()),
        Figure::count("failed", balancer.failed()),
    ])
}
