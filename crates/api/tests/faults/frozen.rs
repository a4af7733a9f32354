//! Postgres stops answering without closing a connection.

use std::time::{Duration, Instant};

use crate::support::load::{Load, Plan};
use crate::support::setup::{DATABASE_TIMEOUT, LATE, alone, cluster, measured, server, threads};

const CLIENTS: usize = 1_000;

/// A thousand clients on two processors are a queue of their own, which is not the server's.
const CROWDED: Duration = Duration::from_millis(750);

#[test]
fn a_frozen_postgres_is_answered_in_time() {
    alone(|| {
        let Some(mut cluster) = cluster() else { return };
        let server = server(&cluster.create_database());
        let load = Load::start(server.port(), Plan::mixed(24));
        load.wait_for_good(500, Duration::from_secs(20));
        cluster.freeze();
        std::thread::sleep(DATABASE_TIMEOUT * 3);
        cluster.thaw();
        let thawed = Instant::now();
        std::thread::sleep(DATABASE_TIMEOUT);
        load.wait_for_good(1_000, Duration::from_secs(20));
        let report = load.stop();
        report.expect_no_flaws();
        let slowest = report.slowest();
        measured("postgres frozen: slowest answer", &format!("{slowest:?}"));
        assert!(slowest < DATABASE_TIMEOUT + LATE, "an answer took {slowest:?}");
        assert!(report.count(503) >= 24 * 2);
        report.expect_all_good(thawed + DATABASE_TIMEOUT, 1_000).verify(server.port());
    });
}

#[test]
fn a_thousand_clients_that_retry_against_a_frozen_postgres_cost_little() {
    alone(|| {
        let Some(mut cluster) = cluster() else { return };
        let server = server(&cluster.create_database());
        let pause_after_failure = Duration::from_millis(500);
        let load = Load::start(server.port(), Plan { pause_after_failure, ..Plan::mixed(CLIENTS) });
        load.wait_for_good(CLIENTS * 2, Duration::from_secs(30));
        let (threads_before, rss_before) = (threads(server.pid()), server.rss_bytes());
        cluster.freeze();
        let frozen = Instant::now();
        let (mut most_threads, mut most_rss) = (threads_before, rss_before);
        while frozen.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(100));
            most_threads = most_threads.max(threads(server.pid()));
            most_rss = most_rss.max(server.rss_bytes());
        }
        cluster.thaw();
        let thawed = Instant::now();
        load.wait_for_good(CLIENTS * 2, Duration::from_secs(20));
        let recovered = thawed.elapsed();
        let report = load.stop();
        report.expect_no_flaws();
        let meanwhile = |sent: Instant| sent > frozen && sent < thawed;
        let samples = report.samples.iter().filter(|it| meanwhile(it.sent));
        let slowest = samples.map(|it| it.latency).max().unwrap();
        measured(
            "1,000 clients against a frozen postgres",
            &format!(
                "slowest {slowest:?}, threads {most_threads:?}, rss {most_rss:?}, back in {recovered:?}"
            ),
        );
        assert!(slowest < DATABASE_TIMEOUT + CROWDED, "an answer took {slowest:?}");
        assert!(report.count(503) >= CLIENTS * 2);
        assert_eq!(most_threads, threads_before, "no thread is started for a retry");
        let bounded = |rss: u64| rss < 150 * 1024 * 1024;
        assert!(most_rss.is_none_or(bounded), "{most_rss:?} bytes");
    });
}
