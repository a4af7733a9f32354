//! SQLite with many writers, and with two processes.

use todo_test_support::database::TestDatabase;

use crate::crash::expect_integrity;
use crate::support::http::HANGS;
use crate::support::load::{Load, Plan};
use crate::support::setup::server;

const CLIENTS: usize = 32;

#[test]
fn thirty_two_writers_on_sqlite_are_never_refused() {
    let database = TestDatabase::sqlite();
    let server = server(database.url());
    let load = Load::start(server.port(), Plan::creates(CLIENTS));
    load.wait_for_good(2_000, HANGS);
    let report = load.stop();
    report.expect_no_flaws().verify(server.port());
    assert_eq!(report.count(503), 0, "{:?}", server.logs().last());
}

#[test]
fn two_processes_with_thirty_two_writers_on_one_file_never_find_it_locked() {
    let database = TestDatabase::sqlite();
    let servers = [server(database.url()), server(database.url())];
    let loads = servers.each_ref().map(|it| Load::start(it.port(), Plan::mixed(CLIENTS / 2)));
    for load in &loads {
        load.wait_for_good(2_000, HANGS);
    }
    let reports = loads.map(Load::stop);
    for (server, report) in servers.iter().zip(&reports) {
        report.expect_no_flaws().verify(server.port());
        assert_eq!(report.count(503), 0, "{:?}", server.logs().last());
    }
    expect_integrity(database.url());
}
