//! Many clients at once, and what became of their calls.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::http::Client;
use super::ledger::{Call, Ledger, new_id};

/// Small, because there can be thousands.
const STACK_BYTES: usize = 128 * 1024;

/// Between two looks at what a load has done.
const POLL: Duration = Duration::from_millis(5);

/// One call.
#[derive(Debug, Clone)]
pub struct Sample {
    /// When it was sent.
    pub sent: Instant,
    /// How long its answer took.
    pub latency: Duration,
    /// 0 when there was no answer.
    pub status: u16,
    /// What is wrong with the answer, or with the connection.
    pub flaw: Option<String>,
}

impl Sample {
    /// Whether it was answered well: not refused, and nothing is wrong with it.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.flaw.is_none() && self.status != 503
    }

    /// When it was answered.
    #[must_use]
    pub fn answered(&self) -> Instant {
        self.sent + self.latency
    }
}

/// What the clients of a load do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many there are, each on a connection and on behalf of a user of its own.
    pub clients: usize,
    /// Before the next call after a 503, or after a connection that failed.
    pub pause_after_failure: Duration,
    /// The next call of a client, from what it knows and from how many calls it has made.
    pub next_call: fn(&Ledger, usize) -> Call,
}

impl Plan {
    /// Mixed calls, one right after the other.
    #[must_use]
    pub fn mixed(clients: usize) -> Self {
        Self { clients, pause_after_failure: Duration::ZERO, next_call: Ledger::next_call }
    }

    /// Nothing but creates.
    #[must_use]
    pub fn creates(clients: usize) -> Self {
        Self { next_call: |_, turn| Ledger::next_write(turn), ..Self::mixed(clients) }
    }

    /// Nothing but counters: calls that share no statement with each other.
    #[must_use]
    pub fn counters(clients: usize) -> Self {
        Self { next_call: |_, _| Call::Stats, ..Self::mixed(clients) }
    }
}

/// A load that goes on in the background until it is stopped or dropped.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<(String, Ledger)>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    good: AtomicUsize,
    bad: AtomicUsize,
    samples: Mutex<Vec<Sample>>,
}

/// What became of a load.
#[derive(Debug)]
pub struct Report {
    /// Every call.
    pub samples: Vec<Sample>,
    ledgers: Vec<(String, Ledger)>,
}

impl Load {
    /// Starts the clients of the server on this port of 127.0.0.1.
    #[must_use]
    pub fn start(port: u16, plan: Plan) -> Self {
        let shared = Arc::new(Shared::default());
        let clients = (0..plan.clients).map(|_| {
            let shared = Arc::clone(&shared);
            let client = thread::Builder::new().stack_size(STACK_BYTES);
            client.spawn(move || one_client(port, plan, &shared)).expect("a thread starts")
        });
        Self { clients: clients.collect(), shared }
    }

    /// Waits until so many more calls have succeeded. Panics after `timeout`, which only ends what hangs.
    #[track_caller]
    pub fn wait_for_good(&self, count: usize, timeout: Duration) {
        let aim = self.good() + count;
        self.wait_until(timeout, || self.good() >= aim);
    }

    /// Waits until so many calls in all have been refused, or gone wrong. Panics after `timeout`, which only ends
    /// what hangs.
    #[track_caller]
    pub fn wait_for_bad(&self, count: usize, timeout: Duration) {
        self.wait_until(timeout, || self.bad() >= count);
    }

    /// Waits until so many calls have been answered in all, well or not. Panics after `timeout`, which only ends
    /// what hangs.
    #[track_caller]
    pub fn wait_for_calls(&self, count: usize, timeout: Duration) {
        self.wait_until(timeout, || self.good() + self.bad() >= count);
    }

    #[track_caller]
    fn wait_until(&self, timeout: Duration, is_done: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_done() {
            assert!(
                begun.elapsed() < timeout,
                "still waiting after {timeout:?}: {} calls were good, {} were not; flaws: {:?}",
                self.good(),
                self.bad(),
                flaws(&self.samples())
            );
            thread::sleep(POLL);
        }
    }

    /// How many calls have succeeded.
    #[must_use]
    pub fn good(&self) -> usize {
        self.shared.good.load(Ordering::Relaxed)
    }

    /// How many have been refused, or gone wrong.
    #[must_use]
    pub fn bad(&self) -> usize {
        self.shared.bad.load(Ordering::Relaxed)
    }

    /// How many have gone wrong: neither a right answer nor a refusal.
    #[must_use]
    pub fn flawed(&self) -> usize {
        self.samples().iter().filter(|it| it.flaw.is_some()).count()
    }

    fn samples(&self) -> MutexGuard<'_, Vec<Sample>> {
        self.shared.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets each client finish its call, and go.
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
    /// The clients of a test that failed go, too.
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

fn one_client(port: u16, plan: Plan, shared: &Shared) -> (String, Ledger) {
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
        let learned = ledger.learn(&call, result.as_ref().ok());
        let flaw = match &result {
            Ok(_) => learned.err(),
            Err(error) => Some(format!("{error} ({:?})", error.kind())),
        };
        let status = result.map_or(0, |answer| answer.status);
        let sample = Sample { sent, latency, status, flaw };
        let is_good = sample.is_good();
        shared.samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
        if is_good {
            shared.good.fetch_add(1, Ordering::Relaxed);
        } else {
            shared.bad.fetch_add(1, Ordering::Relaxed);
            thread::sleep(plan.pause_after_failure);
        }
    }
    (user, ledger)
}

impl Report {
    /// Panics if a call got neither a right answer nor an honest "try again".
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it checks")]
    pub fn expect_no_flaws(&self) -> &Self {
        let flaws = flaws(&self.samples);
        assert!(flaws.is_empty(), "{} of {} calls: {flaws:#?}", flaws.len(), self.samples.len());
        self
    }

    /// Panics if one of the first so many calls that were sent from this moment on was not answered well.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it checks")]
    pub fn expect_all_good(&self, from: Instant, count: usize) -> &Self {
        let mut sent: Vec<_> = self.samples.iter().filter(|it| it.sent >= from).collect();
        sent.sort_by_key(|it| it.sent);
        assert!(sent.len() >= count, "only {} calls were sent", sent.len());
        let bad: Vec<_> = sent.iter().take(count).filter(|it| !it.is_good()).take(5).collect();
        assert!(bad.is_empty(), "{bad:#?}");
        self
    }

    /// Checks all that the clients were told against what is there.
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

    /// The longest time that an answer took.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        self.samples.iter().map(|it| it.latency).max().unwrap_or_default()
    }

    /// How many calls were answered by this status.
    #[must_use]
    pub fn count(&self, status: u16) -> usize {
        self.samples.iter().filter(|it| it.status == status).count()
    }
}

fn flaws(samples: &[Sample]) -> Vec<&str> {
    samples.iter().filter_map(|it| it.flaw.as_deref()).take(5).collect()
}

/// The latency below which this share of the calls is.
#[must_use]
pub fn percentile(samples: &[&Sample], percent: usize) -> Duration {
    let mut latencies: Vec<_> = samples.iter().map(|it| it.latency).collect();
    latencies.sort();
    let rank = (latencies.len() * percent).div_ceil(100).max(1) - 1;
    latencies.get(rank).copied().unwrap_or_default()
}
