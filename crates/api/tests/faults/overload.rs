//! More clients than the server can handle.

use std::net::TcpStream;
use std::time::Duration;

use todo_test_support::database::TestDatabase;

use crate::support::http::{Client, HANG_TIMEOUT, idle_connection};
use crate::support::ledger::{TODOS, new_id};
use crate::support::load::{Load, Plan};
use crate::support::program::can_open;
use crate::support::setup::{cluster, name, server, server_with};

/// Five times the queue size. The benchmark uses more.
const CLIENTS: usize = 500;

/// Enough to measure the cost of one. The benchmark uses more.
const IDLE: usize = 2_000;

const KIB: u64 = 1024;

/// Each instance may be one of many on the same Postgres, which allows 100 connections by default.
#[test]
fn under_load_no_more_connections_are_open_than_the_pool_size_and_one_for_readiness() {
    let Some(cluster) = cluster() else { return };
    let server = server_with(&cluster.create_database(), &[("DATABASE_POOL_SIZE", "4")]);
    let load = Load::start(server.port(), Plan::mixed(64));
    for calls in [500, 1_000, 2_000] {
        load.wait_for_calls(calls, HANG_TIMEOUT);
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'todo-api'";
        let sessions: u32 = cluster.psql("postgres", sessions).parse().unwrap();
        assert!(sessions <= 5, "{sessions} connections are open");
    }
    load.stop().assert_no_errors();
}

#[test]
fn excess_load_on_a_small_pool_is_shed_and_then_served() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let small = [("DATABASE_POOL_SIZE", "2"), ("DATABASE_QUEUE_SIZE", "100")];
    let server = server_with(&url, &small);
    if !can_open(CLIENTS, server.pid(), "the test of overload") {
        return;
    }
    // No call can be executed: 503s neither wait for the deadline of 30 s nor for other calls.
    let mut lock = cluster.session(name(&url));
    lock.run("BEGIN; LOCK TABLE todos");
    let pause_after_failure = Duration::from_millis(200);
    let load = Load::start(server.port(), Plan { pause_after_failure, ..Plan::counters(CLIENTS) });
    load.wait_for_failures(CLIENTS * 2, HANG_TIMEOUT);
    assert_eq!(load.succeeded(), 0);
    lock.run("COMMIT");
    load.wait_for_successes(CLIENTS * 2, HANG_TIMEOUT);
    let rss = server.rss_bytes();
    load.stop().assert_no_errors();
    let mut client = Client::new(server.port(), &new_id());
    assert_eq!(client.get(TODOS).unwrap().status, 200, "{:?}", server.logs().last());
    assert!(rss.is_none_or(|it| it < 150 * KIB * KIB), "{rss:?} bytes");
}

#[test]
fn idle_connections_use_little_memory_and_do_not_slow_others() {
    let database = TestDatabase::sqlite();
    let server = server(database.url());
    if !can_open(IDLE, server.pid(), "the test of idle connections") {
        return;
    }
    let before = server.rss_bytes();
    let idle: Vec<TcpStream> = (0..IDLE).map(|_| idle_connection(server.port())).collect();
    let mut client = Client::new(server.port(), &new_id());
    for _ in 0..100 {
        assert_eq!(client.get(TODOS).unwrap().status, 200, "{:?}", server.logs().last());
    }
    let after = server.rss_bytes();
    drop(idle);
    let cost = after.zip(before).map(|(after, before)| after.saturating_sub(before));
    // Two buffers each, of which one page is in use, and 3 KiB: 11 KiB in total. Plus a constant.
    let allowed = u64::try_from(IDLE).unwrap() * 14 * KIB + 16 * KIB * KIB;
    assert!(cost.is_none_or(|it| it < allowed), "{cost:?} bytes");
}
