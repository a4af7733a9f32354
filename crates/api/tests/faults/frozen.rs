//! Postgres stops responding without closing connections.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::http::HANG_TIMEOUT;
use crate::support::load::{Load, Plan};
use crate::support::setup::{cluster, server_with};

const CLIENTS: usize = 24;

/// Each has a running or queued call: far more than there are threads.
const MANY_CLIENTS: usize = 200;

const POOL_SIZE: usize = 8;

const MIB: u64 = 1024 * 1024;

#[test]
fn a_frozen_postgres_causes_503_and_is_used_again_afterwards() {
    let Some(mut cluster) = cluster() else { return };
    let server = server_with(&cluster.create_database(), &[("DATABASE_TIMEOUT", "5s")]);
    let load = Load::start(server.port(), Plan::mixed(CLIENTS));
    load.wait_for_successes(500, HANG_TIMEOUT);
    cluster.freeze();
    // More than one per client: clients keep getting responses.
    load.wait_for_failures(CLIENTS + 1, HANG_TIMEOUT);
    cluster.thaw();
    load.wait_for_successes(CLIENTS * 2, HANG_TIMEOUT);
    let recovered = Instant::now();
    load.wait_for_successes(1_000 + CLIENTS, HANG_TIMEOUT);
    let report = load.stop();
    report.assert_no_errors();
    report.assert_all_succeeded(recovered, 1_000).verify(server.port());
}

#[test]
fn many_retries_against_a_frozen_postgres_use_few_resources() {
    let Some(mut cluster) = cluster() else { return };
    let pool_size = POOL_SIZE.to_string();
    let settings = [("DATABASE_TIMEOUT", "1s"), ("DATABASE_POOL_SIZE", &*pool_size)];
    let server = server_with(&cluster.create_database(), &settings);
    let pause_after_failure = Duration::from_millis(200);
    let load =
        Load::start(server.port(), Plan { pause_after_failure, ..Plan::mixed(MANY_CLIENTS) });
    load.wait_for_successes(MANY_CLIENTS * 2, HANG_TIMEOUT);
    let threads_before = server.threads();
    let before = load.failed();
    cluster.freeze();
    let (mut most_threads, mut most_rss) = (None, None);
    let frozen = Instant::now();
    while load.failed() < before + MANY_CLIENTS * 4 {
        assert!(
            frozen.elapsed() < HANG_TIMEOUT,
            "only {} calls were answered",
            load.failed() - before
        );
        most_threads = most_threads.max(server.threads());
        most_rss = most_rss.max(server.rss_bytes());
        thread::sleep(Duration::from_millis(100));
    }
    cluster.thaw();
    load.wait_for_successes(MANY_CLIENTS * 2, HANG_TIMEOUT);
    load.stop().assert_no_errors();
    // Threads that are stuck in libpq may be replaced, but a retry starts no thread.
    let allowed = threads_before.map(|it| it + 4 * POOL_SIZE);
    assert!(most_threads <= allowed, "{most_threads:?} threads, {threads_before:?} before");
    assert!(most_rss.is_none_or(|it| it < 150 * MIB), "{most_rss:?} bytes");
}
