//! Many clients that send or read one byte per second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::http::Client;
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::{cluster, name, server_with};
use crate::support::slow::{connect_all, insert_many_todos, kinds, trickle_until_disconnected};

/// Few, because an unoptimized server needs seconds to fill the buffers of many.
const READERS: usize = 4;

/// It also adds to the server's timeout for readers, so it is not the 30 s of other tests, but long enough that a busy
/// machine causes no 503.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(10);

#[test]
fn slow_clients_do_not_affect_others_and_are_disconnected() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let small = [("DATABASE_POOL_SIZE", "2"), ("HTTP_WORKERS", "2"), ("DATABASE_TIMEOUT", "10s")];
    let server = server_with(&url, &small);
    let reader = new_id();
    cluster.psql(name(&url), &insert_many_todos(&reader));
    let kinds = kinds(&reader, DATABASE_TIMEOUT);
    let start = Instant::now();
    let mut slow = connect_all(server.port(), &kinds, READERS);
    let all_connected = Instant::now();
    let done = AtomicBool::new(false);
    let other_clients = thread::scope(|scope| {
        let other_clients = scope.spawn(|| other_clients(server.port(), &done));
        {
            // Also set on a panic, so that the other thread ends.
            let _done = Done(&done);
            trickle_until_disconnected(&mut slow, &kinds);
        }
        other_clients.join().unwrap()
    });

    for client in &mut slow {
        let kind = &kinds[client.kind];
        // The server may be late, but it gives each client its full timeout.
        let ended = client.ended.unwrap() - start;
        assert!(ended >= kind.limit, "{} was disconnected after {ended:?}", kind.name);
        if kind.name == "a slow reader" {
            assert!(!client.receives_whole_list(), "{} was not disconnected", kind.name);
        } else if kind.reads {
            let response = String::from_utf8_lossy(&client.response).into_owned();
            assert!(response.starts_with("HTTP/1.1 4"), "{}: {response}", kind.name);
        }
    }
    // Slow clients hold neither threads nor database connections: other calls were served while all clients with the
    // longest timeout were connected.
    let longest = kinds.iter().map(|it| it.limit).max().unwrap();
    let longest_kinds = slow.iter().filter(|it| kinds[it.kind].limit == longest);
    let first_ended = longest_kinds.filter_map(|it| it.ended).min().unwrap();
    let meanwhile =
        other_clients.iter().filter(|it| (all_connected..first_ended).contains(*it)).count();
    assert!(meanwhile > 0, "no other client was served meanwhile");
}

/// Sends calls that need a thread and a database connection. Returns the times of the responses.
fn other_clients(port: u16, done: &AtomicBool) -> Vec<Instant> {
    let mut completed = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let response = Client::new(port, &new_id()).get(TODOS).unwrap();
        assert_eq!(response.status, 200, "{response:?}");
        completed.push(Instant::now());
        thread::sleep(Duration::from_millis(50));
    }
    completed
}

/// Sets the flag on drop.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
