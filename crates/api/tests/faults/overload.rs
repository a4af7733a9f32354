//! More clients than can be served.

use std::net::TcpStream;
use std::time::Duration;

use todo_test_support::database::TestDatabase;

use crate::support::http::{Client, HANGS, idle_connection};
use crate::support::ledger::{TODOS, new_id};
use crate::support::load::{Load, Plan};
use crate::support::program::may_open;
use crate::support::setup::{cluster, name, server, server_with};

/// Five times what may wait. The benchmark has more.
const CLIENTS: usize = 500;

/// Enough to tell what one costs. The benchmark has more.
const IDLE: usize = 2_000;

const KIB: u64 = 1024;

#[test]
fn a_crowd_on_a_small_pool_is_refused_while_the_others_wait_and_then_served() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let small = [("DATABASE_POOL_SIZE", "2"), ("DATABASE_QUEUE_SIZE", "100")];
    let server = server_with(&url, &small);
    if !may_open(CLIENTS, server.pid(), "the test of overload") {
        return;
    }
    // Nobody can be served: who is refused now does not wait for the deadline of 30 s, nor for others.
    let mut lock = cluster.session(name(&url));
    lock.run("BEGIN; LOCK TABLE todos");
    let pause_after_failure = Duration::from_millis(200);
    let load = Load::start(server.port(), Plan { pause_after_failure, ..Plan::counters(CLIENTS) });
    load.wait_for_bad(CLIENTS * 2, HANGS);
    assert_eq!(load.good(), 0);
    lock.run("COMMIT");
    load.wait_for_good(CLIENTS * 2, HANGS);
    let rss = server.rss_bytes();
    load.stop().expect_no_flaws();
    let mut client = Client::new(server.port(), &new_id());
    assert_eq!(client.get(TODOS).unwrap().status, 200, "{:?}", server.logs().last());
    assert!(rss.is_none_or(|it| it < 150 * KIB * KIB), "{rss:?} bytes");
}

#[test]
fn idle_connections_cost_little_and_disturb_nobody() {
    let database = TestDatabase::sqlite();
    let server = server(database.url());
    if !may_open(IDLE, server.pid(), "the test of idle connections") {
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
    // Two buffers each, of which a page is used, and 3 KiB: 11 KiB in all. And some for what all share.
    let allowed = u64::try_from(IDLE).unwrap() * 14 * KIB + 16 * KIB * KIB;
    assert!(cost.is_none_or(|it| it < allowed), "{cost:?} bytes");
}
