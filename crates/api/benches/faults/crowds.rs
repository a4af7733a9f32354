//! More clients than the server can handle, and idle clients.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::clients::http::{Client, HANG_TIMEOUT, idle_connection};
use todo_test_support::clients::ledger::{TODOS, new_id};
use todo_test_support::clients::load::{Load, Plan, percentile};
use todo_test_support::database::TestDatabase;
use todo_test_support::program::can_open;

use crate::report::Figure;
use crate::{cluster, server};

const CLIENTS: usize = 2_000;
/// Few enough that no call fails.
const FEW_CLIENTS: usize = 50;
const IDLE: usize = 10_000;

pub(crate) fn overload() -> Option<Vec<Figure>> {
    overload_with_pause(Duration::from_millis(200))
}

pub(crate) fn impatient() -> Option<Vec<Figure>> {
    overload_with_pause(Duration::ZERO)
}

fn overload_with_pause(pause_after_failure: Duration) -> Option<Vec<Figure>> {
    let cluster = cluster()?;
    let small = [("DATABASE_POOL_SIZE", "2"), ("DATABASE_QUEUE_SIZE", "100")];
    let server = server(&cluster.create_database(), &small);
    if !can_open(CLIENTS, server.pid(), "the benchmark of overload") {
        return None;
    }
    // Calls that are not batched: with batching, the server handles two thousand clients without load shedding.
    let plan = |clients| Plan { pause_after_failure, ..Plan::counters(clients) };
    let load = Load::start(server.port(), plan(FEW_CLIENTS));
    load.wait_for_successes(FEW_CLIENTS * 10, HANG_TIMEOUT);
    let rate_with_few = rate(&load, Duration::from_secs(2));
    load.stop().assert_no_errors();

    let load = Load::start(server.port(), plan(CLIENTS));
    load.wait_for_successes(CLIENTS, HANG_TIMEOUT);
    let start = Instant::now();
    let rate_with_many = rate(&load, Duration::from_secs(4));
    let rss = server.rss_bytes();
    let report = load.stop();
    let mut client = Client::new(server.port(), &new_id());
    let ended = Instant::now();
    let response = client.get(TODOS).expect("the server responds");
    let recovery = ended.elapsed();

    assert_eq!(response.status, 200, "{response:?}");
    report.assert_no_errors();
    let measured = report.samples.iter().filter(|it| it.sent > start);
    let (succeeded, failed): (Vec<_>, Vec<_>) = measured.partition(|it| it.is_success());
    Some(vec![
        Figure::rate("served", rate_with_many),
        Figure::rate("served with 50 clients", rate_with_few),
        Figure::time("p99 of successful calls", percentile(&succeeded, 99)),
        Figure::count("calls failed with 503 in 4 s", failed.len()),
        Figure::time("p99 of 503s", percentile(&failed, 99)),
        Figure::memory("memory", rss),
        Figure::time("first response after the overload", recovery),
    ])
}

/// Successful responses per second, measured for this time.
fn rate(load: &Load, time: Duration) -> f64 {
    let (start, before) = (Instant::now(), load.succeeded());
    thread::sleep(time);
    (load.succeeded() - before) as f64 / start.elapsed().as_secs_f64()
}

pub(crate) fn idle() -> Option<Vec<Figure>> {
    let database = TestDatabase::sqlite();
    let server = server(database.url(), &[]);
    if !can_open(IDLE, server.pid(), "the benchmark of idle connections") {
        return None;
    }
    let before = server.rss_bytes();
    let start = Instant::now();
    let idle: Vec<TcpStream> = (0..IDLE).map(|_| idle_connection(server.port())).collect();
    let connected = start.elapsed();
    let mut client = Client::new(server.port(), &new_id());
    let mut latencies: Vec<_> = (0..100)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(client.get(TODOS).expect("the server responds").status, 200);
            start.elapsed()
        })
        .collect();
    latencies.sort();
    let cost = server.rss_bytes().zip(before).map(|(after, before)| after.saturating_sub(before));
    drop(idle);
    Some(vec![
        Figure::time("to open them all", connected),
        Figure::memory("memory for them", cost),
        Figure::time("p95 of other calls", latencies[95]),
    ])
}
