//! The current keys, and when they are fetched again.
//!
//! It does not fetch: [`refresh`](super::refresh) does, on its own thread. So no request ever waits for an issuer for
//! longer than it decides to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::keys::KeySet;
use super::source::Fetched;
use super::time::Now;

/// How often unknown keys may cause a fetch, all requests together.
pub const MIN_INTERVAL: Duration = Duration::from_secs(10);

/// The delay after a failed fetch. It doubles with each further failure, up to [`MAX_RETRY`].
const MIN_RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(60);

/// The keys, shared by all threads.
#[derive(Debug)]
pub struct KeyStore {
    state: Mutex<State>,
    /// Changes when the keys do. Unique in the process.
    generation: AtomicU64,
    /// Wakes the thread that fetches.
    wake: Condvar,
    /// Wakes the requests that wait for a fetch.
    pub(super) fetched: Notify,
    /// For how long keys are used that could not be refreshed; `None` if they are never refreshed.
    max_stale: Option<Duration>,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    /// When the fetch of these keys began.
    refreshed: Option<Now>,
    /// When the last fetch began, whether it succeeded or not.
    attempted: Option<Instant>,
    is_fetching: bool,
    /// Failures since the last success.
    failures: u32,
    /// How long after the last attempt the next one is due. At first, it is due immediately.
    delay: Duration,
    /// Whether a request needs a key that is not known.
    is_wanted: bool,
    is_stopped: bool,
}

/// The keys at a moment.
#[derive(Debug, Clone)]
pub struct Current {
    /// The keys.
    pub keys: Arc<KeySet>,
    /// The generation of the keys.
    pub generation: u64,
    /// When their fetch began; `None` if they never change.
    pub refreshed: Option<Now>,
    /// Whether the issuer answered the last time it was asked.
    pub is_reachable: bool,
}

/// How fresh the keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// How long ago they were fetched; `None` if they never were.
    pub age: Option<Duration>,
    /// How old they may become.
    pub max_age: Duration,
    /// Fetches that have failed since.
    pub failures: u32,
}

/// What the thread that fetches has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Fetch now.
    Fetch,
    /// Nothing, for this long.
    Wait(Duration),
    /// End.
    Stop,
}

fn new_generation() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl KeyStore {
    /// A store without keys, which are fetched and then used for `max_stale` at most without being refreshed.
    #[must_use]
    pub fn empty(max_stale: Duration) -> Self {
        Self::new(State::default(), Some(max_stale))
    }

    /// A store with keys that never change.
    #[must_use]
    pub fn fixed(keys: KeySet) -> Self {
        Self::new(State { keys: Some(Arc::new(keys)), ..State::default() }, None)
    }

    fn new(state: State, max_stale: Option<Duration>) -> Self {
        Self {
            state: Mutex::new(state),
            generation: AtomicU64::new(new_generation()),
            wake: Condvar::new(),
            fetched: Notify::new(),
            max_stale,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The generation of the keys.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The keys, unless there are none, or they are too old.
    #[must_use]
    pub fn current(&self, now: Now) -> Option<Current> {
        let state = self.state();
        let is_stale = |refreshed| self.max_stale.is_some_and(|max| now.since(refreshed) > max);
        if state.refreshed.is_some_and(is_stale) {
            return None;
        }
        Some(Current {
            keys: Arc::clone(state.keys.as_ref()?),
            generation: self.generation(),
            refreshed: state.refreshed,
            is_reachable: state.failures == 0,
        })
    }

    /// How fresh the keys are; `None` if they never change.
    #[must_use]
    pub fn freshness(&self, now: Now) -> Option<Freshness> {
        let max_age = self.max_stale?;
        let state = self.state();
        let age = state.refreshed.map(|refreshed| now.since(refreshed));
        Some(Freshness { age, max_age, failures: state.failures })
    }

    /// Asks for a fetch, because a key is not known. Returns how long it takes until one may begin: zero if one begins now
    /// or is under way.
    pub fn want(&self, now: Now) -> Duration {
        let mut state = self.state();
        if state.is_fetching {
            return Duration::ZERO;
        }
        let wait = state.until(MIN_INTERVAL.min(state.delay), now);
        if wait.is_zero() {
            state.is_wanted = true;
            self.wake.notify_one();
        }
        wait
    }

    /// Begins a fetch if one is due.
    pub fn begin(&self, now: Now) -> Next {
        let mut state = self.state();
        if state.is_stopped {
            return Next::Stop;
        }
        let wait = state.until(state.delay, now);
        if !wait.is_zero() && !state.is_wanted {
            return Next::Wait(wait);
        }
        state.is_wanted = false;
        state.is_fetching = true;
        state.attempted = Some(now.monotonic);
        Next::Fetch
    }

    /// Ends a fetch that began at `began`. Keeps the keys if it failed (`None`). Returns whether they have changed.
    pub fn finish(&self, began: Now, fetched: Option<Fetched>) -> bool {
        let mut state = self.state();
        state.is_fetching = false;
        let mut is_new = false;
        if let Some(Fetched { keys, max_age }) = fetched {
            state.failures = 0;
            state.delay = max_age;
            state.refreshed = Some(began);
            is_new = state.keys.as_ref().is_none_or(|known| **known != keys);
            if is_new {
                state.keys = Some(Arc::new(keys));
                self.generation.store(new_generation(), Ordering::Release);
            }
        } else {
            state.delay = (MIN_RETRY * 2_u32.pow(state.failures.min(6))).min(MAX_RETRY);
            state.failures = state.failures.saturating_add(1);
        }
        drop(state);
        self.fetched.notify_waiters();
        is_new
    }

    /// Waits until a fetch may be due: for this long, or until a request wants one or the store is stopped.
    pub fn wait(&self, timeout: Duration) {
        let state = self.state();
        if !state.is_wanted && !state.is_stopped {
            // Spurious wake-ups do no harm.
            drop(self.wake.wait_timeout(state, timeout));
        }
    }

    /// Ends the thread that fetches.
    pub fn stop(&self) {
        self.state().is_stopped = true;
        self.wake.notify_one();
    }
}

impl State {
    /// How long it takes until this much time has passed since the last attempt.
    fn until(&self, interval: Duration, now: Now) -> Duration {
        let passed = |attempted| now.monotonic.saturating_duration_since(attempted);
        self.attempted.map_or(Duration::ZERO, |it| interval.saturating_sub(passed(it)))
    }
}
