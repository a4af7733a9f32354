//! Postgres dies under load, and comes back.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::postgres::Cluster;

use crate::support::http::HANGS;
use crate::support::load::{Load, Plan};
use crate::support::setup::{cluster, server_with};

const CLIENTS: usize = 24;

/// How many calls have to succeed after the database is back.
const AFTERWARDS: usize = 2_000;

/// A tenth of a second, multiplied by two so often, is longer than the test waits.
const ATTEMPTS: usize = 12;

#[test]
fn postgres_killed_under_load_is_answered_and_nothing_is_lost() {
    outage(Cluster::kill);
}

#[test]
fn postgres_stopped_at_once_under_load_is_answered_and_nothing_is_lost() {
    outage(Cluster::stop_immediate);
}

/// The longer callers are ready to wait, or the longer the database is away, the longer must not be the pause between
/// two attempts to connect. Pauses that double would last until the test gives up.
#[test]
fn a_long_database_timeout_does_not_delay_the_first_success() {
    let Some(mut cluster) = cluster() else { return };
    let patient = [("DATABASE_TIMEOUT", "1h"), ("DATABASE_POOL_SIZE", "1")];
    let server = server_with(&cluster.create_database(), &patient);
    let load = Load::start(server.port(), Plan::mixed(CLIENTS));
    load.wait_for_good(500, HANGS);
    cluster.kill();
    count_attempts(cluster.port());
    cluster.start_again();
    load.wait_for_good(CLIENTS * 2, HANGS);
    load.stop().expect_no_flaws();
}

/// Waits until there have been many attempts to connect, and lets none succeed.
fn count_attempts(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let (begun, mut attempts) = (Instant::now(), 0);
    while attempts < ATTEMPTS {
        match listener.accept() {
            Ok(_) => attempts += 1,
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
        assert!(begun.elapsed() < HANGS, "only {attempts} attempts to connect");
    }
}

/// A load, an end, a time without a database that every client notices, and much load after it.
fn outage(end: fn(&mut Cluster)) {
    let Some(mut cluster) = cluster() else { return };
    let server = server_with(&cluster.create_database(), &[("DATABASE_TIMEOUT", "5s")]);
    let load = Load::start(server.port(), Plan::mixed(CLIENTS));
    load.wait_for_good(1_000, HANGS);
    let refused_before = load.bad();
    end(&mut cluster);
    let killed = Instant::now();
    load.wait_for_bad(refused_before + CLIENTS + 1, HANGS);
    let back = Instant::now();
    cluster.start_again();
    load.wait_for_good(CLIENTS * 2, HANGS);
    let well_again = Instant::now();
    load.wait_for_good(AFTERWARDS + CLIENTS, HANGS);

    let report = load.stop();
    report.expect_no_flaws();
    assert_eq!(report.count(0), 0);
    let without = |from: Instant, to: Instant| from > killed && to < back;
    let lucky = report.samples.iter().filter(|it| it.is_good() && without(it.sent, it.answered()));
    assert_eq!(lucky.count(), 0, "answers without a database");
    report.expect_all_good(well_again, AFTERWARDS).verify(server.port());
}
