//! A transaction-mode pooler without prepared-statement tracking, between two servers and one Postgres.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;
use todo_test_support::postgres::Cluster;
use todo_test_support::server::Server;

use crate::support::http::{Client, HANG_TIMEOUT};
use crate::support::ledger::{TODOS, new_id};
use crate::support::load::{Load, Plan};
use crate::support::pooler::Pooler;
use crate::support::setup::{cluster, server, server_with};
use crate::support::wait;

/// The total number of mixed calls.
const CALLS: usize = 6_000;

/// Per server.
const CLIENTS: usize = 12;

/// More than are ever in use.
const SESSIONS: usize = 40;

#[test]
fn two_servers_behind_a_pooler_fail_no_call_and_execute_none_of_each_others_statements() {
    let Some((cluster, url, _pooler)) = start_pooler() else { return };
    let servers = [server(&url), server(&url)];
    assert!(logs_contain(&servers[0], "INFO", "a pooler shares the database's sessions"));
    // Half of the calls to each server, concurrently.
    let loads = start_loads(&servers);
    for load in &loads {
        load.wait_for_calls(CALLS / 2, HANG_TIMEOUT);
    }
    for (server, load) in servers.iter().zip(loads) {
        let report = load.stop();
        report.assert_no_errors().verify(server.port());
        assert_eq!(report.count(503), 0);
    }
    drop(cluster);
}

/// The same load with the protection turned off: its failures show that the test above would detect them.
#[test]
fn a_statement_cache_forced_on_behind_a_pooler_logs_a_warning_and_fails() {
    let Some((cluster, url, _pooler)) = start_pooler() else { return };
    // Calls whose statements are mixed up may also get no response.
    let cached = [("DATABASE_STATEMENT_CACHE", "on"), ("DATABASE_TIMEOUT", "1s")];
    let servers = [server_with(&url, &cached), server_with(&url, &cached)];
    for server in &servers {
        assert!(logs_contain(
            server,
            "WARN",
            "one client's statement can be executed as another's"
        ));
    }
    let loads = start_loads(&servers);
    let start = Instant::now();
    while loads.iter().all(|it| it.error_count() == 0) {
        assert!(
            start.elapsed() < HANG_TIMEOUT,
            "the load does not tell whether statements are mixed up"
        );
        thread::sleep(Duration::from_millis(20));
    }
    drop((loads, cluster));
}

/// The pooler gives the server its own sessions at first, and shares them later. One other client is enough to separate
/// a connection from its prepared statements.
#[test]
fn a_pooler_that_shares_sessions_later_fails_no_call() {
    let Some(program) = Pooler::find() else { return };
    let Some(cluster) = cluster() else { return };
    let pooler = Pooler::start(&program, &cluster, &cluster.create_database(), "session", SESSIONS);
    let server = server(&pooler.url());
    assert!(!logs_contain(&server, "INFO", "a pooler shares the database's sessions"));
    let mut client = Client::new(server.port(), &new_id());
    let mut other = PgConnection::establish(&pooler.url()).unwrap();
    client.get(TODOS).unwrap();

    pooler.change("transaction", SESSIONS);
    wait::until("statements that get lost", || {
        // The pooler prefers the session that was used last: the second call gets the other client's session.
        other.batch_execute("BEGIN").unwrap();
        assert_eq!(client.get(TODOS).unwrap().status, 200);
        other.batch_execute("ROLLBACK").unwrap();
        assert_eq!(client.get(TODOS).unwrap().status, 200);
        logs_contain(&server, "WARN", "prepared statements got lost")
    });
    let load = Load::start(server.port(), Plan::mixed(CLIENTS));
    load.wait_for_calls(2_000, HANG_TIMEOUT);
    let report = load.stop();
    report.assert_no_errors().verify(server.port());
    assert_eq!(report.count(503), 0);
}

/// Shared sessions cannot have settings, but a statement must not keep running after its deadline.
#[test]
fn a_search_or_count_behind_a_pooler_is_cancelled_at_its_deadline() {
    let Some((cluster, url, _pooler)) = start_pooler() else { return };
    let server = server_with(&url, &[("DATABASE_TIMEOUT", "3s")]);
    let mut client = Client::new(server.port(), &new_id());
    wait::until("a first response", || client.get(TODOS).unwrap().status == 200);
    let mut other = cluster.session(url.rsplit('/').next().unwrap());
    other.run("BEGIN; LOCK TABLE todos");
    for target in [format!("{TODOS}?q=a"), format!("{TODOS}/stats")] {
        assert_eq!(client.get(&target).unwrap().status, 503, "{target}");
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        wait::until("the end of the statement", || cluster.psql("postgres", waiting) == "0");
    }
    other.run("ROLLBACK");
}

/// A Postgres cluster, the URL of one of its databases through a pooler, and the pooler.
fn start_pooler() -> Option<(Cluster, String, Pooler)> {
    let pgbouncer = Pooler::find()?;
    let cluster = cluster()?;
    let pooler = Pooler::start(&pgbouncer, &cluster, &cluster.create_database(), "transaction", 4);
    let url = pooler.url();
    Some((cluster, url, pooler))
}

fn start_loads(servers: &[Server; 2]) -> [Load; 2] {
    servers.each_ref().map(|it| Load::start(it.port(), Plan::mixed(CLIENTS)))
}

fn logs_contain(server: &Server, level: &str, text: &str) -> bool {
    server.logs().iter().any(|line| line.contains(level) && line.contains(text))
}
