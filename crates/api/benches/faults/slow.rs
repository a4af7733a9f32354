//! Many clients that send or read one byte per second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::clients::http::Client;
use todo_test_support::clients::ledger::{TODOS, new_id};
use todo_test_support::clients::slow::{
    connect_all, insert_many_todos, kinds, trickle_until_disconnected,
};

use crate::report::Figure;
use crate::{DATABASE_TIMEOUT, cluster, server};

pub(crate) fn slow() -> Option<Vec<Figure>> {
    let cluster = cluster()?;
    let url = cluster.create_database();
    let server = server(&url, &[("DATABASE_POOL_SIZE", "2"), ("HTTP_WORKERS", "2")]);
    let reader = new_id();
    cluster.psql(url.rsplit('/').next()?, &insert_many_todos(&reader));
    let kinds = kinds(&reader, DATABASE_TIMEOUT);
    let mut slow = connect_all(server.port(), &kinds, 20);
    let done = AtomicBool::new(false);
    let slowest = thread::scope(|scope| {
        let others = scope.spawn(|| slowest_of_others(server.port(), &done));
        trickle_until_disconnected(&mut slow, &kinds);
        done.store(true, Ordering::Relaxed);
        others.join().expect("no panic")
    });
    Some(vec![
        Figure::time("slowest other response", slowest),
        Figure::memory("memory", server.rss_bytes()),
    ])
}

/// Sends calls that need a thread and a database connection.
fn slowest_of_others(port: u16, done: &AtomicBool) -> Duration {
    let mut client = Client::new(port, &new_id());
    let mut slowest = Duration::ZERO;
    while !done.load(Ordering::Relaxed) {
        let start = Instant::now();
        let response = client.get(TODOS).expect("the server responds");
        slowest = slowest.max(start.elapsed());
        assert_eq!(response.status, 200, "{response:?}");
        thread::sleep(Duration::from_millis(50));
    }
    slowest
}
