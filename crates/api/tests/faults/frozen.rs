//! Postgres stops answering without closing a connection.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::http::HANGS;
use crate::support::load::{Load, Plan};
use crate::support::setup::{cluster, server_with};

const CLIENTS: usize = 24;

/// Each with a call under way or waiting, far more than there are threads.
const CROWD: usize = 200;

const POOL_SIZE: usize = 8;

const MIB: u64 = 1024 * 1024;

#[test]
fn a_frozen_postgres_is_answered_while_it_is_frozen_and_used_again_afterwards() {
    let Some(mut cluster) = cluster() else { return };
    let server = server_with(&cluster.create_database(), &[("DATABASE_TIMEOUT", "5s")]);
    let load = Load::start(server.port(), Plan::mixed(CLIENTS));
    load.wait_for_good(500, HANGS);
    cluster.freeze();
    // More than one each: callers go on being answered.
    load.wait_for_bad(CLIENTS + 1, HANGS);
    cluster.thaw();
    load.wait_for_good(CLIENTS * 2, HANGS);
    let well_again = Instant::now();
    load.wait_for_good(1_000 + CLIENTS, HANGS);
    let report = load.stop();
    report.expect_no_flaws();
    report.expect_all_good(well_again, 1_000).verify(server.port());
}

#[test]
fn a_crowd_that_retries_against_a_frozen_postgres_costs_little() {
    let Some(mut cluster) = cluster() else { return };
    let pool_size = POOL_SIZE.to_string();
    let settings = [("DATABASE_TIMEOUT", "1s"), ("DATABASE_POOL_SIZE", &*pool_size)];
    let server = server_with(&cluster.create_database(), &settings);
    let pause_after_failure = Duration::from_millis(200);
    let load = Load::start(server.port(), Plan { pause_after_failure, ..Plan::mixed(CROWD) });
    load.wait_for_good(CROWD * 2, HANGS);
    let threads_before = server.threads();
    let before = load.bad();
    cluster.freeze();
    let (mut most_threads, mut most_rss) = (None, None);
    let frozen = Instant::now();
    while load.bad() < before + CROWD * 4 {
        assert!(frozen.elapsed() < HANGS, "only {} calls were answered", load.bad() - before);
        most_threads = most_threads.max(server.threads());
        most_rss = most_rss.max(server.rss_bytes());
        thread::sleep(Duration::from_millis(100));
    }
    cluster.thaw();
    load.wait_for_good(CROWD * 2, HANGS);
    load.stop().expect_no_flaws();
    // Threads that libpq does not give back may be replaced; a retry starts none.
    let allowed = threads_before.map(|it| it + 4 * POOL_SIZE);
    assert!(most_threads <= allowed, "{most_threads:?} threads, {threads_before:?} before");
    assert!(most_rss.is_none_or(|it| it < 150 * MIB), "{most_rss:?} bytes");
}
