//! Postgres is killed under load, and restarted.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::postgres::Cluster;

use crate::support::http::HANG_TIMEOUT;
use crate::support::load::{Load, Plan};
use crate::support::setup::{cluster, server_with};

const CLIENTS: usize = 24;

/// How many calls have to succeed after the database is back.
const CALLS_AFTER_RESTART: usize = 2_000;

/// A tenth of a second, doubled this many times, is longer than the test waits.
const ATTEMPTS: usize = 12;

#[test]
fn postgres_killed_under_load_causes_503_and_loses_nothing() {
    outage(Cluster::kill);
}

#[test]
fn postgres_stopped_under_load_causes_503_and_loses_nothing() {
    outage(Cluster::stop_immediate);
}

/// Neither a long `DATABASE_TIMEOUT` nor a long outage may lengthen the pause between attempts to connect. If pauses
/// were doubled without a limit, they would outlast the test.
#[test]
fn a_long_database_timeout_does_not_delay_the_first_success() {
    let Some(mut cluster) = cluster() else { return };
    let settings = [("DATABASE_TIMEOUT", "1h"), ("DATABASE_POOL_SIZE", "1")];
    let server = server_with(&cluster.create_database(), &settings);
    let load = Load::start(server.port(), Plan::mixed(CLIENTS));
    load.wait_for_successes(500, HANG_TIMEOUT);
    cluster.kill();
    wait_for_attempts(cluster.port());
    cluster.start_again();
    load.wait_for_successes(CLIENTS * 2, HANG_TIMEOUT);
    load.stop().assert_no_errors();
}

/// Waits until there have been many attempts to connect, none of which succeeds.
fn wait_for_attempts(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let (start, mut attempts) = (Instant::now(), 0);
    while attempts < ATTEMPTS {
        match listener.accept() {
            Ok(_) => attempts += 1,
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
        assert!(start.elapsed() < HANG_TIMEOUT, "only {attempts} attempts to connect");
    }
}

/// A load, the end of the database, an outage that every client notices, and more load after the restart.
fn outage(end: fn(&mut Cluster)) {
    let Some(mut cluster) = cluster() else { return };
    let server = server_with(&cluster.create_database(), &[("DATABASE_TIMEOUT", "5s")]);
    let load = Load::start(server.port(), Plan::mixed(CLIENTS));
    load.wait_for_successes(1_000, HANG_TIMEOUT);
    let failed_before = load.failed();
    end(&mut cluster);
    let killed = Instant::now();
    load.wait_for_failures(failed_before + CLIENTS + 1, HANG_TIMEOUT);
    let restarted = Instant::now();
    cluster.start_again();
    load.wait_for_successes(CLIENTS * 2, HANG_TIMEOUT);
    let recovered = Instant::now();
    load.wait_for_successes(CALLS_AFTER_RESTART + CLIENTS, HANG_TIMEOUT);

    let report = load.stop();
    report.assert_no_errors();
    assert_eq!(report.count(0), 0);
    let during_outage = |from: Instant, to: Instant| from > killed && to < restarted;
    let impossible = report
        .samples
        .iter()
        .filter(|it| it.is_success() && during_outage(it.sent, it.completed()));
    assert_eq!(impossible.count(), 0, "successes without a database");
    report.assert_all_succeeded(recovered, CALLS_AFTER_RESTART).verify(server.port());
}
