//! Whether a start finds out that a pooler shares the sessions, also while others keep the pooler busy.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;
use todo_infrastructure::{DatabaseOptions, MigrationCommand, StatementCache, migrate, open};
use todo_test_support::log::capture_log;

use crate::support::pooler::Pooler;
use crate::support::setup::cluster;
use crate::support::wait;

/// How long migrations may wait for each other.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts of a test, for each number of busy clients.
const STARTS: usize = 30;

/// Sessions that the pooler may open.
const SESSIONS: usize = 20;

const OPTIONS: DatabaseOptions = DatabaseOptions {
    pool_size: 1,
    timeout: Duration::from_secs(20),
    bulk_timeout: Duration::from_secs(20),
    queue_capacity: 10,
    statement_cache: StatementCache::Auto,
    migrate_on_start: false,
    migrate_timeout: Duration::from_secs(60),
};

#[test]
fn no_start_misses_a_busy_pooler() {
    for clients in [0, 1, 4] {
        no_start_misses(STARTS, clients);
    }
}

/// By hand: `cargo test -p todo-api --test faults -- --ignored a_thousand_starts --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn a_thousand_starts_miss_no_busy_pooler() {
    for clients in [1, 2, 4, 16] {
        no_start_misses(1_000, clients);
    }
}

fn no_start_misses(starts: usize, clients: usize) {
    let Some(program) = Pooler::find() else { return };
    let Some(cluster) = cluster() else { return };
    let database = cluster.create_database();
    migrate(&database.parse().unwrap(), MigrationCommand::Up, PATIENCE).unwrap();
    let pooler = Pooler::start(&program, &cluster, &database, "transaction", SESSIONS);
    let noticed = beside_busy_clients(&pooler.url(), clients, || {
        (0..starts).filter(|_| notices_a_pooler(&pooler.url())).count()
    });
    // Past the test harness, which hides what a test prints.
    let _ = writeln!(io::stderr(), "{noticed} of {starts} beside {clients} busy clients");
    assert_eq!(noticed, starts, "beside {clients} busy clients");
}

#[test]
fn without_a_pooler_none_is_noticed() {
    let Some(cluster) = cluster() else { return };
    let database = cluster.create_database();
    migrate(&database.parse().unwrap(), MigrationCommand::Up, PATIENCE).unwrap();
    let noticed = beside_busy_clients(&database, 4, || {
        (0..STARTS).filter(|_| notices_a_pooler(&database)).count()
    });
    assert_eq!(noticed, 0);
}

/// Runs `test` while so many clients send one statement after the other.
fn beside_busy_clients<T>(url: &str, clients: usize, test: impl FnOnce() -> T) -> T {
    let (stop, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let mut connection = PgConnection::establish(url).unwrap();
                while !stop.load(Ordering::Relaxed) {
                    connection.batch_execute("SELECT 1").unwrap();
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        wait::until("busy clients", || calls.load(Ordering::Relaxed) >= clients * 10);
        let result = test();
        stop.store(true, Ordering::Relaxed);
        result
    })
}

/// Opens the database as the server does at its start, and searches the log.
fn notices_a_pooler(url: &str) -> bool {
    let url = url.parse().unwrap();
    let (_, log) = capture_log(|| open(&url, &OPTIONS).unwrap());
    log.contains("a pooler shares the database's sessions")
}
