//! Postgres stops responding without closing connections.

use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::clients::http::HANG_TIMEOUT;
use todo_test_support::clients::load::{Load, Plan, Sample};

use crate::report::Figure;
use crate::{DATABASE_TIMEOUT, cluster, server};

const CLIENTS: usize = 24;
const MANY_CLIENTS: usize = 1_000;

pub(crate) fn frozen() -> Option<Vec<Figure>> {
    let mut cluster = cluster()?;
    let server = server(&cluster.create_database(), &[]);
    let load = Load::start(server.port(), Plan::mixed(CLIENTS));
    load.wait_for_successes(500, HANG_TIMEOUT);
    cluster.freeze();
    thread::sleep(DATABASE_TIMEOUT * 3);
    let thawed = Instant::now();
    cluster.thaw();
    load.wait_for_successes(5_000, HANG_TIMEOUT);
    let report = load.stop();
    report.assert_no_errors();
    let slowest = report.slowest();
    Some(vec![
        Figure::time("slowest response", slowest),
        Figure::time("last 503, from the thaw on", last_failure(&report.samples, thawed)),
    ])
}

/// The time from `since` to the last failed call; zero if none failed later.
fn last_failure(samples: &[Sample], since: Instant) -> Duration {
    let failed = samples.iter().filter(|it| !it.is_success());
    failed.map(|it| it.completed().saturating_duration_since(since)).max().unwrap_or_default()
}

pub(crate) fn frozen_with_many_clients() -> Option<Vec<Figure>> {
    let mut cluster = cluster()?;
    let server = server(&cluster.create_database(), &[]);
    let pause_after_failure = Duration::from_millis(500);
    let load =
        Load::start(server.port(), Plan { pause_after_failure, ..Plan::mixed(MANY_CLIENTS) });
    load.wait_for_successes(MANY_CLIENTS * 2, HANG_TIMEOUT);
    let threads_before = server.threads();
    cluster.freeze();
    let frozen = Instant::now();
    let (mut threads, mut rss) = (threads_before, server.rss_bytes());
    while frozen.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(100));
        threads = threads.max(server.threads());
        rss = rss.max(server.rss_bytes());
    }
    let thawed = Instant::now();
    cluster.thaw();
    load.wait_for_successes(MANY_CLIENTS * 2, HANG_TIMEOUT);
    let back = thawed.elapsed();
    let report = load.stop();
    report.assert_no_errors();
    let slowest = report.samples.iter().filter(|it| it.sent > frozen && it.sent < thawed);
    let slowest = slowest.map(|it| it.latency).max().unwrap_or_default();
    Some(vec![
        Figure::time("slowest response", slowest),
        Figure::count("threads before", threads_before.unwrap_or_default()),
        Figure::count("maximum threads", threads.unwrap_or_default()),
        Figure::memory("maximum memory", rss),
        Figure::time("2,000 successful calls, from the thaw on", back),
    ])
}
