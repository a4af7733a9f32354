//! More clients than can be served.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use todo_test_support::database::TestDatabase;

use crate::support::http::{Client, connect};
use crate::support::ledger::{Call, TODOS, new_id};
use crate::support::load::{Load, Plan, percentile};
use crate::support::program;
use crate::support::setup::{
    DATABASE_TIMEOUT, LATE, alone, cluster, measured, server, server_with, skipped,
};

const CLIENTS: usize = 2_000;

/// What else a process opens, the clients of another test included.
const SPARE: usize = 1_000;

const MIB: u64 = 1024 * 1024;

#[test]
fn two_thousand_clients_of_a_small_pool_are_served_or_refused_at_once() {
    let _alone = alone();
    if !may_open(CLIENTS, "the test of overload") {
        return;
    }
    let Some(cluster) = cluster() else { return };
    let small = [("DATABASE_POOL_SIZE", "2"), ("DATABASE_QUEUE_SIZE", "100")];
    let server = server_with(&cluster.create_database(), &small);
    allow(server.pid(), CLIENTS);
    let pause_after_failure = Duration::from_millis(200);
    let next_call: fn(&_, usize) -> Call = |_, _| Call::List;
    let plan = Plan { clients: CLIENTS, pause_after_failure, next_call };

    let load = Load::start(server.port(), Plan { clients: 50, ..plan });
    load.wait_for_good(500, Duration::from_secs(20));
    let alone = (Instant::now(), load.good());
    std::thread::sleep(Duration::from_secs(2));
    let best = rate(&load, alone);
    load.stop().expect_no_flaws();

    let load = Load::start(server.port(), plan);
    load.wait_for_good(CLIENTS, Duration::from_secs(30));
    let begun = (Instant::now(), load.good());
    std::thread::sleep(Duration::from_secs(4));
    let (crowded, rss) = (rate(&load, begun), server.rss_bytes());
    let report = load.stop();
    let mut client = Client::new(server.port(), &new_id());
    let recovery = Instant::now();
    assert_eq!(client.get(TODOS).unwrap().status, 200);
    let recovery = recovery.elapsed();

    report.expect_no_flaws();
    assert_eq!(report.count(0), 0);
    let all = report.samples.iter().filter(|it| it.sent > begun.0);
    let (good, refused): (Vec<_>, Vec<_>) = all.partition(|it| it.is_good());
    let (p99, refused_p99) = (percentile(&good, 99), percentile(&refused, 99));
    let refused = refused.len();
    measured(
        "2,000 clients of a small pool",
        &format!(
            "{crowded:.0} good answers a second (with 50 clients {best:.0}), p99 {p99:?}, {refused} refused \
             (p99 {refused_p99:?}), rss {rss:?}, recovery {recovery:?}"
        ),
    );
    assert!(refused > 100, "only {refused} were refused");
    assert!(p99 < DATABASE_TIMEOUT + LATE, "{p99:?}");
    assert!(refused_p99 < DATABASE_TIMEOUT, "{refused_p99:?}");
    assert!(rss.is_none_or(|it| it < 150 * MIB), "{rss:?}");
    assert!(recovery < Duration::from_millis(500), "{recovery:?}");
    assert!(crowded > best / 3.0, "{crowded} good answers a second, but {best} with few clients");
}

#[test]
fn ten_thousand_idle_connections_cost_little_and_disturb_nobody() {
    const IDLE: usize = 10_000;
    let _alone = alone();
    if !may_open(IDLE, "the test of idle connections") {
        return;
    }
    let database = TestDatabase::sqlite();
    let server = server(database.url());
    allow(server.pid(), IDLE);
    let before = server.rss_bytes();
    let begun = Instant::now();
    let idle: Vec<TcpStream> = (0..IDLE).map(|_| open_and_be_idle(server.port())).collect();
    let connected = begun.elapsed();
    let mut client = Client::new(server.port(), &new_id());
    let mut slowest = Duration::ZERO;
    for _ in 0..100 {
        let begun = Instant::now();
        let answer = client.get(TODOS).unwrap();
        assert_eq!(answer.status, 200, "{:?}", server.logs().last());
        slowest = slowest.max(begun.elapsed());
    }
    let after = server.rss_bytes();
    let cost = after.zip(before).map(|(after, before)| after.saturating_sub(before));
    measured(
        &format!("{IDLE} idle connections"),
        &format!("{cost:?} bytes, made in {connected:?}, slowest of 100 others {slowest:?}"),
    );
    drop(idle);
    // What is not optimized keeps larger futures.
    let most = if cfg!(debug_assertions) { 120 * MIB } else { 100 * MIB };
    assert!(cost.is_none_or(|it| it < most), "{cost:?}");
    assert!(slowest < LATE, "{slowest:?}");
}

/// A connection that has been used once, and is kept.
fn open_and_be_idle(port: u16) -> TcpStream {
    let mut stream = connect(([127, 0, 0, 1], port).into()).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    stream
}

fn rate(load: &Load, (since, good): (Instant, usize)) -> f64 {
    f64::from(u32::try_from(load.good() - good).unwrap()) / since.elapsed().as_secs_f64()
}

/// Whether this process may have so many connections.
fn may_open(connections: usize, what: &str) -> bool {
    allow(std::process::id(), connections);
    let is_enough = open_files(std::process::id()).is_none_or(|it| it > connections + SPARE);
    if !is_enough {
        skipped(what, &format!("{connections} connections are more than this process may open"));
    }
    is_enough
}

/// Lets a process have so many connections, as far as this one may.
fn allow(pid: u32, connections: usize) {
    let needed = connections + 2 * SPARE;
    if open_files(pid).is_none_or(|it| it >= needed) {
        return;
    }
    if let Some(prlimit) = program::find("prlimit", "raising the limit of open files") {
        let mut command = Command::new(prlimit);
        let files = format!("--nofile={needed}:");
        // Whether it helped is looked at.
        let _ = command.args(["--pid", &pid.to_string(), &files]).output();
    }
}

/// How many files a process may open; `None` where there is no `/proc`.
fn open_files(pid: u32) -> Option<usize> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
