//! More clients than can be served, and clients that do nothing.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::clients::http::{Client, HANGS, idle_connection};
use todo_test_support::clients::ledger::{TODOS, new_id};
use todo_test_support::clients::load::{Load, Plan, percentile};
use todo_test_support::database::TestDatabase;
use todo_test_support::program::may_open;

use crate::report::Figure;
use crate::{cluster, server};

const CLIENTS: usize = 2_000;
/// As many as are served without a refusal.
const FEW: usize = 50;
const IDLE: usize = 10_000;

pub(crate) fn overload() -> Option<Vec<Figure>> {
    rush(Duration::from_millis(200))
}

pub(crate) fn impatient() -> Option<Vec<Figure>> {
    rush(Duration::ZERO)
}

fn rush(pause_after_failure: Duration) -> Option<Vec<Figure>> {
    let cluster = cluster()?;
    let small = [("DATABASE_POOL_SIZE", "2"), ("DATABASE_QUEUE_SIZE", "100")];
    let server = server(&cluster.create_database(), &small);
    if !may_open(CLIENTS, server.pid(), "the benchmark of overload") {
        return None;
    }
    // Calls that share no statement: of those that do, two thousand clients are not too many.
    let plan = |clients| Plan { pause_after_failure, ..Plan::counters(clients) };
    let load = Load::start(server.port(), plan(FEW));
    load.wait_for_good(FEW * 10, HANGS);
    let good_of_few = rate(&load, Duration::from_secs(2));
    load.stop().expect_no_flaws();

    let load = Load::start(server.port(), plan(CLIENTS));
    load.wait_for_good(CLIENTS, HANGS);
    let begun = Instant::now();
    let good_a_second = rate(&load, Duration::from_secs(4));
    let rss = server.rss_bytes();
    let report = load.stop();
    let mut client = Client::new(server.port(), &new_id());
    let over = Instant::now();
    let answer = client.get(TODOS).expect("it answers");
    let recovery = over.elapsed();

    assert_eq!(answer.status, 200, "{answer:?}");
    report.expect_no_flaws();
    let measured = report.samples.iter().filter(|it| it.sent > begun);
    let (good, refused): (Vec<_>, Vec<_>) = measured.partition(|it| it.is_good());
    Some(vec![
        Figure::rate("served", good_a_second),
        Figure::rate("served with 50 clients", good_of_few),
        Figure::time("p99 of what is served", percentile(&good, 99)),
        Figure::count("calls refused in 4 s", refused.len()),
        Figure::time("p99 of what is refused", percentile(&refused, 99)),
        Figure::memory("memory", rss),
        Figure::time("first answer after the crowd", recovery),
    ])
}

/// Good answers a second, for so long.
fn rate(load: &Load, time: Duration) -> f64 {
    let (begun, before) = (Instant::now(), load.good());
    thread::sleep(time);
    (load.good() - before) as f64 / begun.elapsed().as_secs_f64()
}

pub(crate) fn idle() -> Option<Vec<Figure>> {
    let database = TestDatabase::sqlite();
    let server = server(database.url(), &[]);
    if !may_open(IDLE, server.pid(), "the benchmark of idle connections") {
        return None;
    }
    let before = server.rss_bytes();
    let begun = Instant::now();
    let idle: Vec<TcpStream> = (0..IDLE).map(|_| idle_connection(server.port())).collect();
    let connected = begun.elapsed();
    let mut client = Client::new(server.port(), &new_id());
    let mut latencies: Vec<_> = (0..100)
        .map(|_| {
            let begun = Instant::now();
            assert_eq!(client.get(TODOS).expect("it answers").status, 200);
            begun.elapsed()
        })
        .collect();
    latencies.sort();
    let cost = server.rss_bytes().zip(before).map(|(after, before)| after.saturating_sub(before));
    drop(idle);
    Some(vec![
        Figure::time("to open them all", connected),
        Figure::memory("memory that they cost", cost),
        Figure::time("p95 of calls of others", latencies[95]),
    ])
}
