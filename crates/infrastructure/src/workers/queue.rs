//! The bounded queue between the callers, which never block, and the worker threads.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Instant;

use prometheus_client::metrics::histogram::Histogram;

use super::schedule::{Batch, Job, Limits, Outcome, QueueFull, Schedule};
use super::trace::CallMarks;

/// A bounded queue, and the threads that take jobs from it.
///
/// Idle threads are parked. The thread that was parked last is woken first, so under light load one thread and one
/// connection, both with warm caches, do all the work. A new job wakes a thread, unless it is a lookup and
/// [`QueueOptions::batching_threshold`] threads are awake. From then on lookups wait for a full batch, but for a
/// millisecond at most: a statement costs about as much for many rows as for one.
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    options: QueueOptions,
}

/// The size of a queue and its thread pool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueOptions {
    /// Threads, not counting abandoned ones.
    pub(crate) threads: usize,
    /// When this many threads are awake, lookups wait for a full batch.
    pub(crate) batching_threshold: usize,
    pub(crate) limits: Limits,
}

impl QueueOptions {
    /// For readiness checks, which have a thread of their own.
    pub(crate) const PROBE: Self = Self {
        threads: 1,
        batching_threshold: 1,
        limits: Limits {
            capacity: 1_024,
            max_batch: 1,
            threads_per_user: 1,
            threads_for_slow_users: 1,
            threads_for_bulk: 1,
            bulk_cooldown_factor: 0,
            max_abandoned: 3,
        },
    };

    /// The connections that are needed: one for each thread and the probe's, and spare ones for threads that replace
    /// abandoned ones.
    pub(crate) fn connections(&self) -> (u32, u32) {
        let size = |threads| u32::try_from(threads).unwrap_or(u32::MAX);
        (size(self.threads + Self::PROBE.threads), size(self.limits.max_abandoned))
    }
}

struct State<J> {
    schedule: Schedule<J>,
    /// A stack: the thread that was parked last is at the end.
    parked: Vec<Thread>,
    /// All threads, not counting abandoned ones.
    threads: usize,
    is_closed: bool,
}

impl<J: Job> Queue<J> {
    /// An empty queue. How long jobs wait is recorded in `waits`, if given.
    pub(crate) fn new(options: QueueOptions, waits: Option<Histogram>) -> Self {
        let state = State {
            schedule: Schedule::new(options.limits, waits),
            parked: Vec::new(),
            threads: options.threads,
            is_closed: false,
        };
        Self { state: Mutex::new(state), options }
    }

    /// Adds a job. Never blocks. When it starts is noted in `marks`, if its call is traced.
    ///
    /// # Errors
    /// [`QueueFull`], also if the queue is closed.
    pub(crate) fn push(&self, job: J, marks: CallMarks) -> Result<(), QueueFull> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(QueueFull);
        }
        let now = Instant::now();
        state.schedule.push(job, marks, now)?;
        if state.needs_thread(&self.options, now) {
            wake_thread(state);
        }
        Ok(())
    }

    /// Wakes a thread if any job can start. Also abandons stuck threads, and returns how many the caller has to
    /// replace.
    pub(crate) fn wake_for_delayed_jobs(&self) -> usize {
        let mut state = self.lock();
        let now = Instant::now();
        let abandoned = state.schedule.abandon_stuck(now);
        let (lookups, others) = state.schedule.runnable(now);
        if lookups + others > 0 {
            wake_thread(state);
        }
        abandoned
    }

    /// Runs batches of jobs on this thread until the queue is closed and empty, or the thread has been abandoned.
    pub(crate) fn work(&self, run: impl Fn(Vec<J>) -> Outcome) {
        let mut next = self.next(None);
        while let Some(Batch { id, jobs }) = next {
            let outcome = run(jobs);
            next = self.next(Some((id, outcome)));
        }
    }

    /// Waits for the next batch. `None` means that the thread should end.
    fn next(&self, finished: Option<(u64, Outcome)>) -> Option<Batch<J>> {
        let mut state = self.lock();
        if let Some((id, outcome)) = finished {
            if !state.schedule.finish(id, outcome, Instant::now()) {
                return None;
            }
            if state.has_surplus_thread(&self.options) {
                state = self.park(state);
            }
        }
        loop {
            let now = Instant::now();
            if let Some(batch) = state.schedule.take(now) {
                if state.needs_thread(&self.options, now) {
                    wake_thread(state);
                }
                return Some(batch);
            }
            // Jobs that still wait are held back by a concurrency limit. The threads that count towards it will take
            // them.
            if state.is_closed {
                return None;
            }
            state = self.park(state);
        }
    }

    /// Rejects new jobs, and lets the threads end when the queue is empty.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.schedule.disable_cooldown();
        for thread in state.parked.drain(..) {
            thread.unpark();
        }
    }

    /// How many jobs wait.
    pub(crate) fn depth(&self) -> usize {
        self.lock().schedule.waiting()
    }

    /// Records that a thread could not be started.
    pub(crate) fn remove_thread(&self) {
        self.lock().threads -= 1;
    }

    /// Parks this thread until it is woken, or until the cooldown of bulk calls ends.
    fn park<'a>(&'a self, state: MutexGuard<'a, State<J>>) -> MutexGuard<'a, State<J>> {
        let mut state = state;
        let this = thread::current();
        let cooldown_end = state.schedule.cooldown_end();
        state.parked.push(this.clone());
        drop(state);
        match cooldown_end {
            Some(until) => thread::park_timeout(until.saturating_duration_since(Instant::now())),
            None => thread::park(),
        }
        // `wake_thread` has removed this thread from the list, but a timeout has not.
        let mut state = self.lock();
        state.parked.retain(|it| it.id() != this.id());
        state
    }

    /// Ignores poisoning: the state is consistent wherever a holder of the lock could panic.
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
    /// Whether there is work for another thread besides those that are awake.
    fn needs_thread(&self, options: &QueueOptions, now: Instant) -> bool {
        let (lookups, others) = self.schedule.runnable(now);
        let awake = self.awake();
        let idle = awake.saturating_sub(self.schedule.busy());
        others > idle
            || lookups > idle
                && (awake < options.batching_threshold
                    || lookups > awake * options.limits.max_batch)
    }

    /// Whether only lookups wait, and the other threads that are awake can take all of them in one batch each.
    fn has_surplus_thread(&self, options: &QueueOptions) -> bool {
        let (lookups, others) = self.schedule.runnable(Instant::now());
        let awake = self.awake();
        !self.is_closed
            && others == 0
            && awake > options.batching_threshold
            && lookups <= (awake - 1) * options.limits.max_batch
    }

    /// How many threads are not parked.
    fn awake(&self) -> usize {
        self.threads - self.parked.len()
    }
}

#[cfg(test)]
mod tests;
