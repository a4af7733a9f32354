//! SQLite with many concurrent writers, in one and in two processes.

use todo_test_support::clients::http::HANG_TIMEOUT;
use todo_test_support::clients::load::{Load, Plan, Report, percentile};
use todo_test_support::database::TestDatabase;

use crate::report::Figure;
use crate::server;

const CLIENTS: usize = 32;
const CALLS: usize = 20_000;

pub(crate) fn writers() -> Option<Vec<Figure>> {
    let database = TestDatabase::sqlite();
    let one = server(database.url(), &[]);
    let load = Load::start(one.port(), Plan::creates(CLIENTS));
    load.wait_for_successes(CALLS, HANG_TIMEOUT);
    let report = load.stop();
    report.assert_no_errors();
    let p99 = percentile(&report.samples.iter().collect::<Vec<_>>(), 99);

    let other = server(database.url(), &[]);
    let loads = [&one, &other].map(|it| Load::start(it.port(), Plan::mixed(CLIENTS / 2)));
    for load in &loads {
        load.wait_for_successes(CALLS / 4, HANG_TIMEOUT);
    }
    let reports = loads.map(Load::stop);
    let slowest = reports.iter().map(|it| it.assert_no_errors().slowest()).max()?;
    let failed = |it: &Report| it.count(503);
    Some(vec![
        Figure::time("p99 of a create, one process", p99),
        Figure::time("slowest of mixed calls, two processes on one file", slowest),
        Figure::count(
            "calls failed with 503",
            failed(&report) + reports.iter().map(failed).sum::<usize>(),
        ),
    ])
}
