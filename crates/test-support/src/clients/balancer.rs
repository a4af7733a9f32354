//! A minimal load balancer in front of two servers, for rolling restarts.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::http::{Client, HANG_TIMEOUT, Response};
use super::ledger::{TODOS, new_id};

/// The interval between readiness checks.
const PROBE_INTERVAL: Duration = Duration::from_millis(20);

/// Sends requests to two servers alternately, and none to a server that is not ready. It does not retry.
#[derive(Debug)]
pub struct Balancer {
    ports: [u16; 2],
    is_ready: [AtomicBool; 2],
    succeeded: AtomicUsize,
    failed: AtomicUsize,
    stop: AtomicBool,
}

impl Balancer {
    /// A balancer for the servers on these ports of 127.0.0.1, both of which are ready.
    #[must_use]
    pub fn new(ports: [u16; 2]) -> Self {
        Self {
            ports,
            is_ready: [AtomicBool::new(true), AtomicBool::new(true)],
            succeeded: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        }
    }

    /// Sends requests from this many threads while `during` runs.
    pub fn serve(&self, threads: usize, during: impl FnOnce()) {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.send_requests());
            }
            scope.spawn(|| self.probe());
            let _stop = Stop(&self.stop);
            during();
        });
    }

    /// Waits for this many more successful responses.
    #[track_caller]
    pub fn wait_for_responses(&self, count: usize) {
        let (target, start) = (self.succeeded() + count, Instant::now());
        while self.succeeded() < target {
            assert!(start.elapsed() < HANG_TIMEOUT, "there are no more responses");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// How many requests got a 200.
    pub fn succeeded(&self) -> usize {
        self.succeeded.load(Ordering::Relaxed)
    }

    /// How many requests failed: with another status, or because the connection failed.
    pub fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }

    fn send_requests(&self) {
        let user = new_id();
        let mut clients = self.ports.map(|port| Client::new(port, &user));
        for turn in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            for (client, is_ready) in clients.iter_mut().zip(&self.is_ready) {
                // A server that shuts down closes idle connections.
                if !is_ready.load(Ordering::Relaxed) {
                    client.disconnect();
                }
            }
            let mut copy = turn % 2;
            if !self.is_ready[copy].load(Ordering::Relaxed) {
                copy = 1 - copy;
            }
            match clients[copy].get(TODOS) {
                Ok(Response { status: 200, .. }) => self.succeeded.fetch_add(1, Ordering::Relaxed),
                _ => self.failed.fetch_add(1, Ordering::Relaxed),
            };
        }
    }

    /// Checks the readiness of each server, on a new connection.
    fn probe(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            for (port, is_ready) in self.ports.iter().zip(&self.is_ready) {
                let response = Client::new(*port, "").get("/health/ready");
                is_ready.store(response.is_ok_and(|it| it.status == 200), Ordering::Relaxed);
            }
            thread::sleep(PROBE_INTERVAL);
        }
    }
}

/// Ends the threads even if `during` panics.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
