//! Clients that send or read a byte a second, many at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::http::Client;
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::{cluster, name, server_with};
use crate::support::slow::{connect_all, go_on_until_cut_off, kinds, todos_of};

/// Few, for an unoptimised server needs seconds to fill the buffers of many.
const READERS: usize = 4;

/// The server waits for a reader for as much longer, so it is not the usual 30 s; nor so short that a busy machine
/// makes a 503.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(10);

#[test]
fn slow_clients_disturb_nobody_and_are_cut_off() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let small = [("DATABASE_POOL_SIZE", "2"), ("HTTP_WORKERS", "2"), ("DATABASE_TIMEOUT", "10s")];
    let server = server_with(&url, &small);
    let reader = new_id();
    cluster.psql(name(&url), &todos_of(&reader));
    let kinds = kinds(&reader, DATABASE_TIMEOUT);
    let begun = Instant::now();
    let mut slow = connect_all(server.port(), &kinds, READERS);
    let all_connected = Instant::now();
    let done = AtomicBool::new(false);
    let others = thread::scope(|scope| {
        let others = scope.spawn(|| others(server.port(), &done));
        {
            // Also when it panics, so that the others end.
            let _done = Done(&done);
            go_on_until_cut_off(&mut slow, &kinds);
        }
        others.join().unwrap()
    });

    for client in &mut slow {
        let kind = &kinds[client.kind];
        // The server may be late, but it gives each the time that it has.
        let ended = client.ended.unwrap() - begun;
        assert!(ended >= kind.limit, "{} was cut off after {ended:?}", kind.name);
        if kind.name == "a slow reader" {
            assert!(!client.gets_the_rest(), "{} was not cut off", kind.name);
        } else if kind.reads {
            let answer = String::from_utf8_lossy(&client.answer).into_owned();
            assert!(answer.contains(r#""status":4"#), "{}: {answer}", kind.name);
        }
    }
    // They held neither the threads nor the connections to the database: others were served while all of those were
    // there who have the longest time.
    let longest = kinds.iter().map(|it| it.limit).max().unwrap();
    let patient = slow.iter().filter(|it| kinds[it.kind].limit == longest);
    let first_ended = patient.filter_map(|it| it.ended).min().unwrap();
    let beside = others.iter().filter(|it| (all_connected..first_ended).contains(*it)).count();
    assert!(beside > 0, "nobody was served beside them");
}

/// Calls that need a thread and a connection to the database. Returns when each was answered.
fn others(port: u16, done: &AtomicBool) -> Vec<Instant> {
    let mut answered = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let answer = Client::new(port, &new_id()).get(TODOS).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answered.push(Instant::now());
        thread::sleep(Duration::from_millis(50));
    }
    answered
}

/// Says on drop that it is done.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
