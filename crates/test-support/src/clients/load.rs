//! A load of many concurrent clients, and the outcomes of their calls.
//!
//! One thread runs all clients, each of which sends its next call after the response to the previous one, so that
//! thousands of them take little of the processor time that the server needs.

mod calls;
mod ledgers;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::runtime::Builder;

pub use calls::{Caller, Pace};
pub use ledgers::{LedgerUser, Plan};

use super::http::connect;

/// The interval between checks of the progress.
const POLL: Duration = Duration::from_millis(5);

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// With a response with this status.
    Status(u16),
    /// The connection failed, or was closed without a complete response.
    Disconnected,
    /// The call was pending at the end of the load.
    Pending,
}

/// One call and its outcome.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The number of the client, from 0.
    pub client: usize,
    /// When it was sent.
    pub sent: Instant,
    /// The time until the response, or until the failure of the connection.
    pub latency: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// What is wrong with the response or the connection, according to the [`Caller`].
    pub error: Option<String>,
}

impl Sample {
    /// Whether it succeeded, as expected.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.error.is_none() && matches!(self.outcome, Outcome::Status(200..300))
    }

    /// When the response was complete.
    #[must_use]
    pub fn completed(&self) -> Instant {
        self.sent + self.latency
    }
}

/// A load that runs in the background until it ends, is stopped or dropped.
#[derive(Debug)]
pub struct Load<C = LedgerUser> {
    /// When all clients were connected.
    pub start: Instant,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Vec<C>>>,
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
pub struct Report<C = LedgerUser> {
    /// Every call.
    pub samples: Vec<Sample>,
    callers: Vec<C>,
}

impl<C: Caller> Load<C> {
    /// Connects clients to the server on this port of 127.0.0.1, one for each caller, and starts them.
    pub fn run(port: u16, callers: impl IntoIterator<Item = C>, pace: Pace) -> Self {
        let shared = Arc::new(Shared::default());
        let connected: Vec<_> =
            callers.into_iter().map(|caller| (caller, connect(port).ok())).collect();
        let start = Instant::now();
        let of_clients = Arc::clone(&shared);
        let clients = move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async {
                let mut tasks = Vec::new();
                for (number, (caller, stream)) in connected.into_iter().enumerate() {
                    let stream = stream.map(|stream| {
                        stream.set_nonblocking(true).expect("a socket option");
                        TcpStream::from_std(stream).expect("the runtime has I/O")
                    });
                    let shared = Arc::clone(&of_clients);
                    let client = calls::Client::new(number, port, caller, stream, pace, shared);
                    tasks.push(tokio::spawn(client.run(start)));
                }
                let mut callers = Vec::new();
                for task in tasks {
                    callers.push(task.await.expect("no client panics"));
                }
                callers
            })
        };
        Self { start, shared, thread: Some(thread::spawn(clients)) }
    }
}

impl<C> Load<C> {
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

    /// How many calls have failed: without success, for whatever reason.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// How many calls have had an error, according to their [`Caller`].
    #[must_use]
    pub fn error_count(&self) -> usize {
        self.samples().iter().filter(|it| it.error.is_some()).count()
    }

    fn samples(&self) -> MutexGuard<'_, Vec<Sample>> {
        self.shared.samples()
    }

    /// Waits until all clients have ended by themselves.
    #[must_use]
    pub fn wait(mut self) -> Report<C> {
        let thread = self.thread.take().expect("nobody else has waited");
        let callers = thread.join().expect("no client panics");
        let samples = std::mem::take(&mut *self.samples());
        Report { samples, callers }
    }

    /// Stops each client after its current call.
    #[must_use]
    pub fn stop(self) -> Report<C> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.wait()
    }
}

impl<C> Drop for Load<C> {
    /// Stops the clients even if the test failed.
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn samples(&self) -> MutexGuard<'_, Vec<Sample>> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a call. Returns whether it succeeded.
    fn add(&self, sample: Sample) -> bool {
        let is_success = sample.is_success();
        self.samples().push(sample);
        let counter = if is_success { &self.succeeded } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        is_success
    }
}

impl<C> Report<C> {
    /// Panics if a call had an error, according to its [`Caller`].
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

    /// The latency of the slowest call.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        self.samples.iter().map(|it| it.latency).max().unwrap_or_default()
    }

    /// How many responses had this status.
    #[must_use]
    pub fn count(&self, status: u16) -> usize {
        self.samples.iter().filter(|it| it.outcome == Outcome::Status(status)).count()
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
