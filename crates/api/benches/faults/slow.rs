//! Clients that send or read a byte a second, many at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::clients::http::Client;
use todo_test_support::clients::ledger::{TODOS, new_id};
use todo_test_support::clients::slow::{connect_all, go_on_until_cut_off, kinds, todos_of};

use crate::report::Figure;
use crate::{DATABASE_TIMEOUT, cluster, server};

pub(crate) fn slow() -> Option<Vec<Figure>> {
    let cluster = cluster()?;
    let url = cluster.create_database();
    let server = server(&url, &[("DATABASE_POOL_SIZE", "2"), ("HTTP_WORKERS", "2")]);
    let reader = new_id();
    cluster.psql(url.rsplit('/').next()?, &todos_of(&reader));
    let kinds = kinds(&reader, DATABASE_TIMEOUT);
    let mut slow = connect_all(server.port(), &kinds, 20);
    let done = AtomicBool::new(false);
    let slowest = thread::scope(|scope| {
        let others = scope.spawn(|| slowest_of_others(server.port(), &done));
        go_on_until_cut_off(&mut slow, &kinds);
        done.store(true, Ordering::Relaxed);
        others.join().expect("no panic")
    });
    Some(vec![
        Figure::time("slowest answer to others", slowest),
        Figure::memory("memory", server.rss_bytes()),
    ])
}

/// Calls that need a thread and a connection to the database.
fn slowest_of_others(port: u16, done: &AtomicBool) -> Duration {
    let mut client = Client::new(port, &new_id());
    let mut slowest = Duration::ZERO;
    while !done.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let answer = client.get(TODOS).expect("it answers");
        slowest = slowest.max(begun.elapsed());
        assert_eq!(answer.status, 200, "{answer:?}");
        thread::sleep(Duration::from_millis(50));
    }
    slowest
}
