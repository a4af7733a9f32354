//! The queue between the callers, who never wait for a thread, and the threads, which wait for the database.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Instant;

use super::schedule::{Batch, Full, Job, Limits, Outcome, Schedule};

/// A bounded queue and the threads that take jobs from it.
///
/// Idle threads are parked, and the one that was parked last is woken first: under light load the same warm thread,
/// with its warm connection, does all the work. A job wakes a thread, unless it is a lookup and as many threads as
/// [`QueueOptions::eager`] are awake already. Lookups wait for a full batch then, or for a millisecond: a
/// statement costs about as much for one as for many.
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    options: QueueOptions,
}

/// How a queue is used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueOptions {
    /// Threads, those that were given up aside.
    pub(crate) threads: usize,
    /// Threads that are woken for lookups without waiting for a full batch.
    pub(crate) eager: usize,
    pub(crate) limits: Limits,
}

impl QueueOptions {
    /// For one thread that asks whether the database is there.
    pub(crate) const PROBE: Self = Self {
        threads: 1,
        eager: 1,
        limits: Limits {
            capacity: 1_024,
            batch: 1,
            per_user: 1,
            suspects: 1,
            bulk: 1,
            bulk_rest: 0,
            lost: 3,
        },
    };

    /// How many connections are needed: one for each thread, those that were given up and the probe included.
    pub(crate) fn connections(&self) -> u32 {
        u32::try_from(self.threads + self.limits.lost + Self::PROBE.threads).unwrap_or(u32::MAX)
    }
}

struct State<J> {
    schedule: Schedule<J>,
    /// The parked threads, the last to be parked at the end.
    parked: Vec<Thread>,
    /// All threads, those that were given up aside.
    threads: usize,
    is_closed: bool,
}

impl<J: Job> Queue<J> {
    /// An empty queue.
    pub(crate) fn new(options: QueueOptions) -> Self {
        let state = State {
            schedule: Schedule::new(options.limits),
            parked: Vec::new(),
            threads: options.threads,
            is_closed: false,
        };
        Self { state: Mutex::new(state), options }
    }

    /// Adds a job. Never waits.
    ///
    /// # Errors
    /// When the queue is full or closed.
    pub(crate) fn push(&self, job: J) -> Result<(), Full> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(Full);
        }
        let now = Instant::now();
        state.schedule.push(job, now)?;
        if state.wants_thread(&self.options, now) {
            wake_thread(state);
        }
        Ok(())
    }

    /// Wakes a thread for jobs that have waited for some time. Returns how many threads were given up since the last
    /// call, and are to be replaced.
    pub(crate) fn wake_for_waiting(&self) -> usize {
        let mut state = self.lock();
        let now = Instant::now();
        let lost = state.schedule.give_up_stuck(now);
        let (lookups, others) = state.schedule.startable(now);
        if lookups + others > 0 {
            wake_thread(state);
        }
        lost
    }

    /// Does one batch of jobs after the other, until the queue is closed and empty or the thread was given up.
    pub(crate) fn work(&self, run: impl Fn(Vec<J>) -> Outcome) {
        let mut next = self.next(None);
        while let Some(Batch { number, jobs }) = next {
            let outcome = run(jobs);
            next = self.next(Some((number, outcome)));
        }
    }

    /// Waits for the next batch; `None` when the thread is to end.
    fn next(&self, finished: Option<(u64, Outcome)>) -> Option<Batch<J>> {
        let mut state = self.lock();
        if let Some((number, outcome)) = finished {
            if !state.schedule.finish(number, outcome, Instant::now()) {
                return None;
            }
            if state.has_thread_too_many(&self.options) {
                state = self.park(state);
            }
        }
        loop {
            let now = Instant::now();
            if let Some(batch) = state.schedule.take(now) {
                if state.wants_thread(&self.options, now) {
                    wake_thread(state);
                }
                return Some(batch);
            }
            // What still waits is for a user or a lane that is busy: their threads will take it.
            if state.is_closed {
                return None;
            }
            state = self.park(state);
        }
    }

    /// Lets the jobs that wait be done, and then the threads end.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.schedule.end_rests();
        for thread in state.parked.drain(..) {
            thread.unpark();
        }
    }

    /// Takes note that a thread could not be started.
    pub(crate) fn has_thread_less(&self) {
        self.lock().threads -= 1;
    }

    /// Waits until this thread is woken, or has something to do.
    fn park<'a>(&'a self, state: MutexGuard<'a, State<J>>) -> MutexGuard<'a, State<J>> {
        let mut state = state;
        let me = thread::current();
        let rested = state.schedule.next_opening();
        state.parked.push(me.clone());
        drop(state);
        match rested {
            Some(until) => thread::park_timeout(until.saturating_duration_since(Instant::now())),
            None => thread::park(),
        }
        // The one that wakes a thread takes it from the list; after a timeout it is still there.
        let mut state = self.lock();
        state.parked.retain(|it| it.id() != me.id());
        state
    }

    /// The state is consistent at every moment at which a holder of the lock could panic.
    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake_thread<J>(mut state: MutexGuard<'_, State<J>>) {
    if let Some(thread) = state.parked.pop() {
        drop(state);
        thread.unpark();
    }
}

impl<J: Job> State<J> {
    /// Whether there is work for one thread more than are awake.
    fn wants_thread(&self, options: &QueueOptions, now: Instant) -> bool {
        let (lookups, others) = self.schedule.startable(now);
        let awake = self.awake();
        let idle = awake.saturating_sub(self.schedule.busy());
        others > idle
            || lookups > idle && (awake < options.eager || lookups > awake * options.limits.batch)
    }

    /// Whether the other threads that are awake can do the lookups that wait, and nothing else does.
    fn has_thread_too_many(&self, options: &QueueOptions) -> bool {
        let (lookups, others) = self.schedule.startable(Instant::now());
        let awake = self.awake();
        !self.is_closed
            && others == 0
            && awake > options.eager
            && lookups <= (awake - 1) * options.limits.batch
    }

    /// How many threads are not parked.
    fn awake(&self) -> usize {
        self.threads - self.parked.len()
    }
}

#[cfg(test)]
mod tests;
