//! Postgres dies under load, and comes back.

use std::time::{Duration, Instant};

use todo_test_support::postgres::Cluster;

use crate::support::load::{Load, Plan, Report};
use crate::support::setup::{
    DATABASE_TIMEOUT, LATE, alone, cluster, measured, server, server_with,
};

const CLIENTS: usize = 24;

/// How many calls have to succeed after the database is back.
const AFTERWARDS: usize = 10_000;

#[test]
fn postgres_killed_under_load_is_answered_in_time_and_nothing_is_lost() {
    alone(|| {
        let Some(mut cluster) = cluster() else { return };
        let server = server(&cluster.create_database());
        let outage = outage(&mut cluster, server.port(), Cluster::kill, AFTERWARDS);
        measured("postgres killed: slowest answer", &format!("{:?}", outage.report.slowest()));
        measured("postgres killed: first success after it is back", &format!("{:?}", outage.first));
        outage.report.verify(server.port());
    });
}

#[test]
fn postgres_stopped_at_once_under_load_is_answered_in_time_and_nothing_is_lost() {
    alone(|| {
        let Some(mut cluster) = cluster() else { return };
        let server = server(&cluster.create_database());
        let outage = outage(&mut cluster, server.port(), Cluster::stop_immediate, 1_000);
        outage.report.verify(server.port());
    });
}

/// The longer callers are ready to wait, the longer must not be the pause between two attempts to connect.
#[test]
fn a_long_database_timeout_does_not_delay_the_first_success() {
    alone(|| {
        let Some(mut cluster) = cluster() else { return };
        let server = server_with(&cluster.create_database(), &[("DATABASE_TIMEOUT", "10s")]);
        let load = Load::start(server.port(), Plan::mixed(CLIENTS));
        load.wait_for_good(500, Duration::from_secs(20));
        cluster.kill();
        std::thread::sleep(Duration::from_secs(4));
        cluster.start_again();
        let back = Instant::now();
        load.wait_for_good(CLIENTS * 2, Duration::from_secs(10));
        let first = first_success(&load.stop(), back);
        measured("first success with DATABASE_TIMEOUT=10s", &format!("{first:?}"));
        assert!(first < Duration::from_secs(1), "the first success came after {first:?}");
    });
}

struct Outage {
    report: Report,
    first: Duration,
}

/// A load, an end, two seconds without a database, and much load after it.
fn outage(cluster: &mut Cluster, port: u16, end: fn(&mut Cluster), afterwards: usize) -> Outage {
    let load = Load::start(port, Plan::mixed(CLIENTS));
    load.wait_for_good(1_000, Duration::from_secs(20));
    let before = load.good();
    end(cluster);
    let killed = Instant::now();
    std::thread::sleep(Duration::from_secs(2));
    cluster.start_again();
    let back = Instant::now();
    load.wait_for_good(afterwards + CLIENTS, Duration::from_secs(60));

    let report = load.stop();
    report.expect_no_flaws();
    let refused = report.count(503);
    assert!(refused >= CLIENTS, "only {refused} of {before} calls met the outage");
    assert_eq!(report.count(0), 0);
    let slowest = report.slowest();
    assert!(slowest < DATABASE_TIMEOUT + LATE, "an answer took {slowest:?}");
    let meanwhile = |sent: Instant| sent > killed && sent + DATABASE_TIMEOUT < back;
    let lucky = report.samples.iter().filter(|it| it.is_good() && meanwhile(it.sent)).count();
    assert_eq!(lucky, 0, "answers without a database");
    let first = first_success(&report, back);
    assert!(first < Duration::from_secs(1), "the first success came after {first:?}");
    report.expect_all_good(back + first, afterwards);
    Outage { report, first }
}

/// When the first call was answered well, counted from when the database was back.
fn first_success(report: &Report, back: Instant) -> Duration {
    let good = report.samples.iter().filter(|it| it.is_good() && it.sent + it.latency > back);
    good.map(|it| it.sent + it.latency - back).min().unwrap()
}
