//! Postgres dies under load, and comes back; or ends sessions.

use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::clients::http::HANGS;
use todo_test_support::clients::load::{Load, Plan, Report};

use crate::report::Figure;
use crate::{cluster, server};

const CLIENTS: usize = 24;

/// How many calls are looked at after the database is back.
const AFTERWARDS: usize = 10_000;

pub(crate) fn killed() -> Option<Vec<Figure>> {
    let (report, first) = outage("1s", Duration::from_secs(2))?;
    Some(vec![
        Figure::time("slowest answer", report.slowest()),
        Figure::time("first success after it is back", first),
        Figure::count("calls refused", report.count(503)),
    ])
}

pub(crate) fn killed_with_a_long_timeout() -> Option<Vec<Figure>> {
    let (_, first) = outage("10s", Duration::from_secs(4))?;
    Some(vec![Figure::time("first success after it is back", first)])
}

/// A load, an end, a time without a database, and much load after it. Returns what became of the calls, and how long
/// after the database was back the first was answered well.
fn outage(timeout: &str, away: Duration) -> Option<(Report, Duration)> {
    let mut cluster = cluster()?;
    let server = server(&cluster.create_database(), &[("DATABASE_TIMEOUT", timeout)]);
    let load = Load::start(server.port(), Plan::mixed(CLIENTS));
    load.wait_for_good(1_000, HANGS);
    cluster.kill();
    thread::sleep(away);
    cluster.start_again();
    let back = Instant::now();
    load.wait_for_good(AFTERWARDS, HANGS);
    let report = load.stop();
    report.expect_no_flaws();
    let good = report.samples.iter().filter(|it| it.is_good() && it.answered() > back);
    let first = good.map(|it| it.answered() - back).min()?;
    Some((report, first))
}

pub(crate) fn sessions_ended() -> Option<Vec<Figure>> {
    let cluster = cluster()?;
    let url = cluster.create_database();
    let server = server(&url, &[]);
    let load = Load::start(server.port(), Plan::mixed(4));
    let mut ended = 0;
    for _ in 0..20 {
        load.wait_for_good(50, HANGS);
        ended += cluster.terminate_idle_connections(url.rsplit('/').next()?);
    }
    load.wait_for_good(100, HANGS);
    let report = load.stop();
    report.expect_no_flaws();
    let ended = usize::try_from(ended).expect("a few");
    Some(vec![
        Figure::count("connections ended", ended),
        Figure::count("calls refused", report.count(503)),
    ])
}
