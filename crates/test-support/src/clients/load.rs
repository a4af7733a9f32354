//! A load of many concurrent clients, and the outcomes of their calls.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::http::Client;
use super::ledger::{Call, Ledger, new_id};

/// Small, because there can be thousands of threads.
const STACK_BYTES: usize = 128 * 1024;

/// The interval between checks of the progress.
const POLL: Duration = Duration::from_millis(5);

/// One call and its outcome.
#[derive(Debug, Clone)]
pub struct Sample {
    /// When it was sent.
    pub sent: Instant,
    /// The time until the response, or until the failure of the connection.
    pub latency: Duration,
    /// The status; 0 if there was no response.
    pub status: u16,
    /// What is wrong with the response or the connection; `None` for an expected response or a well-formed 503.
    pub error: Option<String>,
}

impl Sample {
    /// Whether it succeeded: neither a 503 nor an error.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.error.is_none() && self.status != 503
    }

    /// When the response was complete.
    #[must_use]
    pub fn completed(&self) -> Instant {
        self.sent + self.latency
    }
}

/// The behaviour of the clients of a load.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The number of clients, each with its own connection and user.
    pub clients: usize,
    /// The pause after a 503 or a failed connection, before the next call.
    pub pause_after_failure: Duration,
    /// The next call of a client, from its ledger and the number of its previous calls.
    pub next_call: fn(&Ledger, usize) -> Call,
}

impl Plan {
    /// Mixed calls without pauses.
    #[must_use]
    pub fn mixed(clients: usize) -> Self {
        Self { clients, pause_after_failure: Duration::ZERO, next_call: Ledger::next_call }
    }

    /// Only creates.
    #[must_use]
    pub fn creates(clients: usize) -> Self {
        Self { next_call: |_, turn| Ledger::next_write(turn), ..Self::mixed(clients) }
    }

    /// Only the counters: calls that the server does not batch.
    #[must_use]
    pub fn counters(clients: usize) -> Self {
        Self { next_call: |_, _| Call::Stats, ..Self::mixed(clients) }
    }
}

/// A load that runs in the background until it is stopped or dropped.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<(String, Ledger)>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    succeeded: AtomicUsize,
    failed: AtomicUsize,
    samples: Mutex<Vec<Sample>>,
}

/// The result of a load.
#[derive(Debug)]
pub struct Report {
    /// Every call.
    pub samples: Vec<Sample>,
    ledgers: Vec<(String, Ledger)>,
}

impl Load {
    /// Starts clients of the server on this port of 127.0.0.1.
    #[must_use]
    pub fn start(port: u16, plan: Plan) -> Self {
        let shared = Arc::new(Shared::default());
        let clients = (0..plan.clients).map(|_| {
            let shared = Arc::clone(&shared);
            let client = thread::Builder::new().stack_size(STACK_BYTES);
            client.spawn(move || run_client(port, plan, &shared)).expect("a thread starts")
        });
        Self { clients: clients.collect(), shared }
    }

    /// Waits until this many more calls have succeeded. Panics after `timeout`, which should only end a hang.
    #[track_caller]
    pub fn wait_for_successes(&self, count: usize, timeout: Duration) {
        let target = self.succeeded() + count;
        self.wait_until(timeout, || self.succeeded() >= target);
    }

    /// Waits until this many calls in total have failed. Panics after `timeout`, which should only end a hang.
    #[track_caller]
    pub fn wait_for_failures(&self, count: usize, timeout: Duration) {
        self.wait_until(timeout, || self.failed() >= count);
    }

    /// Waits until this many calls in total have completed. Panics after `timeout`, which should only end a hang.
    #[track_caller]
    pub fn wait_for_calls(&self, count: usize, timeout: Duration) {
        self.wait_until(timeout, || self.succeeded() + self.failed() >= count);
    }

    #[track_caller]
    fn wait_until(&self, timeout: Duration, is_done: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_done() {
            assert!(
                start.elapsed() < timeout,
                "still waiting after {timeout:?}: {} calls succeeded, {} failed; errors: {:?}",
                self.succeeded(),
                self.failed(),
                errors(&self.samples())
            );
            thread::sleep(POLL);
        }
    }

    /// How many calls have succeeded.
    #[must_use]
    pub fn succeeded(&self) -> usize {
        self.shared.succeeded.load(Ordering::Relaxed)
    }

    /// How many calls have failed: with a 503 or an error.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// How many calls have had an error: neither an expected response nor a well-formed 503.
    #[must_use]
    pub fn error_count(&self) -> usize {
        self.samples().iter().filter(|it| it.error.is_some()).count()
    }

    fn samples(&self) -> MutexGuard<'_, Vec<Sample>> {
        self.shared.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops each client after its current call.
    #[must_use]
    pub fn stop(mut self) -> Report {
        self.shared.stop.store(true, Ordering::Relaxed);
        let clients = self.clients.drain(..);
        let ledgers = clients.map(|client| client.join().expect("no client panics")).collect();
        let samples = std::mem::take(&mut *self.samples());
        Report { samples, ledgers }
    }
}

impl Drop for Load {
    /// Stops the clients even if the test failed.
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

fn run_client(port: u16, plan: Plan, shared: &Shared) -> (String, Ledger) {
    let user = new_id();
    let mut client = Client::new(port, &user);
    let mut ledger = Ledger::default();
    for turn in 0.. {
        if shared.stop.load(Ordering::Relaxed) {
            break;
        }
        let call = (plan.next_call)(&ledger, turn);
        let sent = Instant::now();
        let result = call.send(&mut client);
        let latency = sent.elapsed();
        let checked = ledger.record(&call, result.as_ref().ok());
        let error = match &result {
            Ok(_) => checked.err(),
            Err(error) => Some(format!("{error} ({:?})", error.kind())),
        };
        let status = result.map_or(0, |response| response.status);
        let sample = Sample { sent, latency, status, error };
        let is_success = sample.is_success();
        shared.samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
        if is_success {
            shared.succeeded.fetch_add(1, Ordering::Relaxed);
        } else {
            shared.failed.fetch_add(1, Ordering::Relaxed);
            thread::sleep(plan.pause_after_failure);
        }
    }
    (user, ledger)
}

impl Report {
    /// Panics if a call got neither an expected response nor a well-formed 503.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it checks")]
    pub fn assert_no_errors(&self) -> &Self {
        let errors = errors(&self.samples);
        assert!(errors.is_empty(), "{} of {} calls: {errors:#?}", errors.len(), self.samples.len());
        self
    }

    /// Panics unless the first `count` calls sent since `from` succeeded.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it checks")]
    pub fn assert_all_succeeded(&self, from: Instant, count: usize) -> &Self {
        let mut sent: Vec<_> = self.samples.iter().filter(|it| it.sent >= from).collect();
        sent.sort_by_key(|it| it.sent);
        assert!(sent.len() >= count, "only {} calls were sent", sent.len());
        let bad: Vec<_> = sent.iter().take(count).filter(|it| !it.is_success()).take(5).collect();
        assert!(bad.is_empty(), "{bad:#?}");
        self
    }

    /// Checks the stored todos against the responses that the clients received.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it checks")]
    pub fn verify(&self, port: u16) -> &Self {
        for (user, ledger) in &self.ledgers {
            ledger.verify(&mut Client::new(port, user));
        }
        self
    }

    /// How many todos were acknowledged.
    #[must_use]
    pub fn created(&self) -> usize {
        self.ledgers.iter().map(|(_, ledger)| ledger.created()).sum()
    }

    /// The latency of the slowest call.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        self.samples.iter().map(|it| it.latency).max().unwrap_or_default()
    }

    /// How many responses had this status.
    #[must_use]
    pub fn count(&self, status: u16) -> usize {
        self.samples.iter().filter(|it| it.status == status).count()
    }
}

fn errors(samples: &[Sample]) -> Vec<&str> {
    samples.iter().filter_map(|it| it.error.as_deref()).take(5).collect()
}

/// A percentile of the latencies.
#[must_use]
pub fn percentile(samples: &[&Sample], percent: usize) -> Duration {
    let mut latencies: Vec<_> = samples.iter().map(|it| it.latency).collect();
    latencies.sort();
    let rank = (latencies.len() * percent).div_ceil(100).max(1) - 1;
    latencies.get(rank).copied().unwrap_or_default()
}
