//! Many clients at once, and what became of their calls.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::http::Client;
use super::ledger::{Call, Ledger, new_id};

/// Small, because there can be thousands.
const STACK_BYTES: usize = 128 * 1024;

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) sent: Instant,
    pub(crate) latency: Duration,
    /// 0 when there was no answer.
    pub(crate) status: u16,
    /// What is wrong with the answer, or with the connection.
    pub(crate) flaw: Option<String>,
}

impl Sample {
    pub(crate) fn is_good(&self) -> bool {
        self.flaw.is_none() && self.status != 503
    }
}

/// What the clients of a load do.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) clients: usize,
    /// Before the next call after a 503, or after a connection that failed.
    pub(crate) pause_after_failure: Duration,
    pub(crate) next_call: fn(&Ledger, usize) -> Call,
}

impl Plan {
    /// Mixed calls, one right after the other.
    pub(crate) fn mixed(clients: usize) -> Self {
        Self { clients, pause_after_failure: Duration::ZERO, next_call: Ledger::next_call }
    }

    /// Nothing but creates.
    pub(crate) fn creates(clients: usize) -> Self {
        Self { next_call: |_, turn| Ledger::next_write(turn), ..Self::mixed(clients) }
    }
}

/// A load that goes on in the background.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<(String, Ledger)>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    good: AtomicUsize,
    samples: Mutex<Vec<Sample>>,
}

/// What became of a load.
pub(crate) struct Report {
    pub(crate) samples: Vec<Sample>,
    ledgers: Vec<(String, Ledger)>,
}

impl Load {
    pub(crate) fn start(port: u16, plan: Plan) -> Self {
        let shared = Arc::new(Shared::default());
        let clients = (0..plan.clients).map(|_| {
            let shared = Arc::clone(&shared);
            let client = thread::Builder::new().stack_size(STACK_BYTES);
            client.spawn(move || one_client(port, plan, &shared)).unwrap()
        });
        Self { clients: clients.collect(), shared }
    }

    /// Waits until so many more calls have succeeded.
    #[track_caller]
    pub(crate) fn wait_for_good(&self, count: usize, timeout: Duration) {
        let (aim, begun) = (self.good() + count, Instant::now());
        while self.good() < aim {
            let missing = aim - self.good();
            assert!(
                begun.elapsed() < timeout,
                "{missing} of {count} missing after {timeout:?}; flaws: {:?}",
                flaws(&self.samples().clone())
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until so many calls have been refused, or gone wrong.
    #[track_caller]
    pub(crate) fn wait_for_bad(&self, count: usize, timeout: Duration) {
        let begun = Instant::now();
        while self.samples().iter().filter(|it| !it.is_good()).count() < count {
            assert!(begun.elapsed() < timeout, "fewer than {count} refusals after {timeout:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until so many calls have been answered in all, well or not.
    #[track_caller]
    pub(crate) fn wait_for_calls(&self, count: usize, timeout: Duration) {
        let begun = Instant::now();
        while self.samples().len() < count {
            assert!(begun.elapsed() < timeout, "fewer than {count} calls after {timeout:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn good(&self) -> usize {
        self.shared.good.load(Ordering::Relaxed)
    }

    fn samples(&self) -> std::sync::MutexGuard<'_, Vec<Sample>> {
        self.shared.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets each client finish its call, and go.
    pub(crate) fn stop(mut self) -> Report {
        self.shared.stop.store(true, Ordering::Relaxed);
        let clients = self.clients.drain(..);
        let ledgers = clients.map(|client| client.join().unwrap()).collect();
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
        if sample.is_good() {
            shared.good.fetch_add(1, Ordering::Relaxed);
        } else {
            thread::sleep(plan.pause_after_failure);
        }
        shared.samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
    }
    (user, ledger)
}

impl Report {
    /// Panics if a call got neither a right answer nor an honest "try again".
    #[track_caller]
    pub(crate) fn expect_no_flaws(&self) -> &Self {
        let flaws = flaws(&self.samples);
        assert!(flaws.is_empty(), "{} of {} calls: {flaws:#?}", flaws.len(), self.samples.len());
        self
    }

    /// Panics if a call that was sent in this time was not answered well.
    #[track_caller]
    pub(crate) fn expect_all_good(&self, from: Instant, count: usize) -> &Self {
        let mut sent: Vec<_> = self.samples.iter().filter(|it| it.sent >= from).collect();
        sent.sort_by_key(|it| it.sent);
        assert!(sent.len() >= count, "only {} calls were sent", sent.len());
        let bad: Vec<_> = sent.iter().take(count).filter(|it| !it.is_good()).take(5).collect();
        assert!(bad.is_empty(), "{bad:#?}");
        self
    }

    /// Checks all that the clients were told against what is there.
    #[track_caller]
    pub(crate) fn verify(&self, port: u16) -> &Self {
        for (user, ledger) in &self.ledgers {
            ledger.verify(&mut Client::new(port, user));
        }
        self
    }

    /// How many todos were acknowledged.
    pub(crate) fn created(&self) -> usize {
        self.ledgers.iter().map(|(_, ledger)| ledger.created()).sum()
    }

    pub(crate) fn slowest(&self) -> Duration {
        self.samples.iter().map(|it| it.latency).max().unwrap_or_default()
    }

    pub(crate) fn count(&self, status: u16) -> usize {
        self.samples.iter().filter(|it| it.status == status).count()
    }
}

fn flaws(samples: &[Sample]) -> Vec<&str> {
    samples.iter().filter_map(|it| it.flaw.as_deref()).take(5).collect()
}

/// The latency below which this share of the calls is.
pub(crate) fn percentile(samples: &[&Sample], percent: usize) -> Duration {
    let mut latencies: Vec<_> = samples.iter().map(|it| it.latency).collect();
    latencies.sort();
    let rank = (latencies.len() * percent).div_ceil(100).max(1) - 1;
    latencies.get(rank).copied().unwrap_or_default()
}
