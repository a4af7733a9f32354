//! SQLite with many concurrent writers, in one and in two processes.

use todo_test_support::database::TestDatabase;

use crate::crash::expect_integrity;
use crate::support::http::HANG_TIMEOUT;
use crate::support::load::{Load, Plan};
use crate::support::setup::server;

const CLIENTS: usize = 32;

#[test]
fn thirty_two_writers_on_sqlite_never_get_503() {
    let database = TestDatabase::sqlite();
    let server = server(database.url());
    let load = Load::start(server.port(), Plan::creates(CLIENTS));
    load.wait_for_successes(2_000, HANG_TIMEOUT);
    let report = load.stop();
    report.assert_no_errors().verify(server.port());
    assert_eq!(report.count(503), 0, "{:?}", server.logs().last());
}

#[test]
fn two_processes_with_thirty_two_writers_on_one_file_never_fail_on_its_lock() {
    let database = TestDatabase::sqlite();
    let servers = [server(database.url()), server(database.url())];
    let loads = servers.each_ref().map(|it| Load::start(it.port(), Plan::mixed(CLIENTS / 2)));
    for load in &loads {
        load.wait_for_successes(2_000, HANG_TIMEOUT);
    }
    let reports = loads.map(Load::stop);
    for (server, report) in servers.iter().zip(&reports) {
        report.assert_no_errors().verify(server.port());
        assert_eq!(report.count(503), 0, "{:?}", server.logs().last());
    }
    expect_integrity(database.url());
}
