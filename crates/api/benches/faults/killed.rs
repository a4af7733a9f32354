//! Postgres is killed under load and restarted, or ends sessions.

use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::clients::http::HANG_TIMEOUT;
use todo_test_support::clients::load::{Load, Plan, Report};

use crate::report::Figure;
use crate::{cluster, server};

const CLIENTS: usize = 24;

/// How many calls are evaluated after the restart.
const CALLS_AFTER_RESTART: usize = 10_000;

pub(crate) fn killed() -> Option<Vec<Figure>> {
    let (report, first) = outage("1s", Duration::from_secs(2))?;
    Some(vec![
        Figure::time("slowest response", report.slowest()),
        Figure::time("first success after the restart", first),
        Figure::count("calls failed with 503", report.count(503)),
    ])
}

pub(crate) fn killed_with_a_long_timeout() -> Option<Vec<Figure>> {
    let (_, first) = outage("10s", Duration::from_secs(4))?;
    Some(vec![Figure::time("first success after the restart", first)])
}

/// A load, a kill, an outage, and more load after the restart. Returns the result of the load, and the time from the
/// restart to the first success.
fn outage(timeout: &str, away: Duration) -> Option<(Report, Duration)> {
    let mut cluster = cluster()?;
    let server = server(&cluster.create_database(), &[("DATABASE_TIMEOUT", timeout)]);
    let load = Load::start(server.port(), Plan::mixed(CLIENTS));
    load.wait_for_successes(1_000, HANG_TIMEOUT);
    cluster.kill();
    thread::sleep(away);
    cluster.start_again();
    let restarted = Instant::now();
    load.wait_for_successes(CALLS_AFTER_RESTART, HANG_TIMEOUT);
    let report = load.stop();
    report.assert_no_errors();
    let good = report.samples.iter().filter(|it| it.is_success() && it.completed() > restarted);
    let first = good.map(|it| it.completed() - restarted).min()?;
    Some((report, first))
}

pub(crate) fn sessions_ended() -> Option<Vec<Figure>> {
    let cluster = cluster()?;
    let url = cluster.create_database();
    let server = server(&url, &[]);
    let load = Load::start(server.port(), Plan::mixed(4));
    let mut ended = 0;
    for _ in 0..20 {
        load.wait_for_successes(50, HANG_TIMEOUT);
        ended += cluster.terminate_idle_connections(url.rsplit('/').next()?);
    }
    load.wait_for_successes(100, HANG_TIMEOUT);
    let report = load.stop();
    report.assert_no_errors();
    let ended = usize::try_from(ended).expect("a few");
    Some(vec![
        Figure::count("connections closed", ended),
        Figure::count("calls failed with 503", report.count(503)),
    ])
}
