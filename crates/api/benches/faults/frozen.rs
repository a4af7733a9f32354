//! Postgres stops answering without closing a connection.

use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::clients::http::HANGS;
use todo_test_support::clients::load::{Load, Plan, Sample};

use crate::report::Figure;
use crate::{DATABASE_TIMEOUT, cluster, server};

const CLIENTS: usize = 24;
const CROWD: usize = 1_000;

pub(crate) fn frozen() -> Option<Vec<Figure>> {
    let mut cluster = cluster()?;
    let server = server(&cluster.create_database(), &[]);
    let load = Load::start(server.port(), Plan::mixed(CLIENTS));
    load.wait_for_good(500, HANGS);
    cluster.freeze();
    thread::sleep(DATABASE_TIMEOUT * 3);
    let thawed = Instant::now();
    cluster.thaw();
    load.wait_for_good(5_000, HANGS);
    let report = load.stop();
    report.expect_no_flaws();
    let slowest = report.slowest();
    Some(vec![
        Figure::time("slowest answer", slowest),
        Figure::time("last refusal, counted from the thaw", last_refusal(&report.samples, thawed)),
    ])
}

/// How long after this moment the last call was refused; nothing, if none was.
fn last_refusal(samples: &[Sample], since: Instant) -> Duration {
    let refused = samples.iter().filter(|it| !it.is_good());
    refused.map(|it| it.answered().saturating_duration_since(since)).max().unwrap_or_default()
}

pub(crate) fn frozen_under_a_crowd() -> Option<Vec<Figure>> {
    let mut cluster = cluster()?;
    let server = server(&cluster.create_database(), &[]);
    let pause_after_failure = Duration::from_millis(500);
    let load = Load::start(server.port(), Plan { pause_after_failure, ..Plan::mixed(CROWD) });
    load.wait_for_good(CROWD * 2, HANGS);
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
    load.wait_for_good(CROWD * 2, HANGS);
    let back = thawed.elapsed();
    let report = load.stop();
    report.expect_no_flaws();
    let slowest = report.samples.iter().filter(|it| it.sent > frozen && it.sent < thawed);
    let slowest = slowest.map(|it| it.latency).max().unwrap_or_default();
    Some(vec![
        Figure::time("slowest answer", slowest),
        Figure::count("threads before", threads_before.unwrap_or_default()),
        Figure::count("threads at most", threads.unwrap_or_default()),
        Figure::memory("memory at most", rss),
        Figure::time("2,000 calls served again, counted from the thaw", back),
    ])
}
