//! A load balancer in front of two copies of the server, as far as a restart needs one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::http::{Answer, Client, HANGS};
use super::ledger::{TODOS, new_id};

/// Between two looks at whether a copy is ready.
const PROBE: Duration = Duration::from_millis(20);

/// Sends requests to two copies in turn, and none to a copy that has said that it is not ready. It repeats nothing.
#[derive(Debug)]
pub struct Balancer {
    ports: [u16; 2],
    is_ready: [AtomicBool; 2],
    answered: AtomicUsize,
    failed: AtomicUsize,
    stop: AtomicBool,
}

impl Balancer {
    /// A balancer of the servers on these ports of 127.0.0.1, both of which are ready.
    #[must_use]
    pub fn new(ports: [u16; 2]) -> Self {
        Self {
            ports,
            is_ready: [AtomicBool::new(true), AtomicBool::new(true)],
            answered: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        }
    }

    /// Sends requests from so many threads while `during` runs.
    pub fn serve(&self, threads: usize, during: impl FnOnce()) {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.send_in_turn());
            }
            scope.spawn(|| self.probe());
            let _stop = Stop(&self.stop);
            during();
        });
    }

    /// Waits for so many more answers.
    #[track_caller]
    pub fn wait_for_answers(&self, count: usize) {
        let (aim, begun) = (self.answered() + count, Instant::now());
        while self.answered() < aim {
            assert!(begun.elapsed() < HANGS, "there are no answers any more");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// How many requests were answered by 200.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// How many were not: another status, or a connection that failed.
    pub fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }

    fn send_in_turn(&self) {
        let user = new_id();
        let mut clients = self.ports.map(|port| Client::new(port, &user));
        for turn in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            for (client, is_ready) in clients.iter_mut().zip(&self.is_ready) {
                // A copy that goes down closes connections on which nothing is under way.
                if !is_ready.load(Ordering::Relaxed) {
                    client.disconnect();
                }
            }
            let mut copy = turn % 2;
            if !self.is_ready[copy].load(Ordering::Relaxed) {
                copy = 1 - copy;
            }
            match clients[copy].get(TODOS) {
                Ok(Answer { status: 200, .. }) => self.answered.fetch_add(1, Ordering::Relaxed),
                _ => self.failed.fetch_add(1, Ordering::Relaxed),
            };
        }
    }

    /// Asks each copy whether it is ready, on a connection of its own.
    fn probe(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            for (port, is_ready) in self.ports.iter().zip(&self.is_ready) {
                let answer = Client::new(*port, "").get("/health/ready");
                is_ready.store(answer.is_ok_and(|it| it.status == 200), Ordering::Relaxed);
            }
            thread::sleep(PROBE);
        }
    }
}

/// Ends the threads also when `during` panics.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
