//! The server is killed in the middle of writes.

use diesel::prelude::*;
use diesel::sql_types::Text;
use todo_test_support::database::TestDatabase;

use crate::support::http::HANG_TIMEOUT;
use crate::support::load::{Load, Plan, Report};
use crate::support::setup::{cluster, server};

/// Several times, because each kill interrupts writes at a different moment.
const KILLS: usize = 5;

#[test]
fn writes_acknowledged_on_sqlite_survive_a_killed_server() {
    let database = TestDatabase::sqlite();
    kill_repeatedly(database.url(), || expect_integrity(database.url()));
}

#[test]
fn writes_acknowledged_on_postgres_survive_a_killed_server() {
    let Some(cluster) = cluster() else { return };
    kill_repeatedly(&cluster.create_database(), || {});
}

fn kill_repeatedly(url: &str, check: impl Fn()) {
    let mut reports = Vec::new();
    for _ in 0..KILLS {
        let server = server(url);
        let load = Load::start(server.port(), Plan { next_call: mostly_writes, ..Plan::mixed(16) });
        load.wait_for_successes(300, HANG_TIMEOUT);
        server.kill();
        reports.push(load.stop());
        check();
    }
    let server = server(url);
    for report in &reports {
        report.verify(server.port());
    }
    check();
    assert!(reports.iter().map(Report::created).sum::<usize>() > 0, "nothing was acknowledged");
}

/// Nine of ten calls are writes.
fn mostly_writes(
    ledger: &crate::support::ledger::Ledger,
    turn: usize,
) -> crate::support::ledger::Call {
    const WRITES: [usize; 9] = [0, 2, 3, 4, 5, 7, 8, 10, 12];
    ledger.next_call(WRITES.get(turn % 10).map_or(turn, |kind| turn / 10 * 10 + kind))
}

/// Panics unless SQLite's own integrity check passes.
pub(crate) fn expect_integrity(url: &str) {
    #[derive(QueryableByName)]
    struct Finding {
        #[diesel(sql_type = Text)]
        integrity_check: String,
    }
    let path = url.strip_prefix("sqlite://").unwrap();
    let mut connection = SqliteConnection::establish(path).unwrap();
    let findings: Vec<Finding> =
        diesel::sql_query("PRAGMA integrity_check").load(&mut connection).unwrap();
    let findings: Vec<_> = findings.into_iter().map(|it| it.integrity_check).collect();
    assert_eq!(findings, ["ok"]);
}
