//! A bounded queue between the callers, who never wait, and a few threads, who do.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

/// A bounded first-in-first-out queue of jobs.
///
/// Threads that find it empty sleep, and the one that fell asleep last is woken first: under light load the
/// same warm thread, with its warm connection, does all the work and the others sleep on.
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    capacity: usize,
}

struct State<J> {
    jobs: VecDeque<J>,
    sleepers: Vec<Thread>,
    closed: bool,
}

/// The queue holds as many jobs as it may; the job was not taken.
#[derive(Debug, thiserror::Error)]
#[error("the queue for the database is full")]
pub(crate) struct Full;

impl<J> Queue<J> {
    /// An empty queue for at most `capacity` waiting jobs.
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { jobs: VecDeque::new(), sleepers: Vec::new(), closed: false };
        Self { state: Mutex::new(state), capacity }
    }

    /// Adds a job. Never waits.
    pub(crate) fn push(&self, job: J) -> Result<(), Full> {
        let mut state = self.lock();
        if state.closed || state.jobs.len() >= self.capacity {
            return Err(Full);
        }
        state.jobs.push_back(job);
        let sleeper = state.sleepers.pop();
        drop(state);
        if let Some(sleeper) = sleeper {
            sleeper.unpark();
        }
        Ok(())
    }

    /// Takes the oldest job, waiting for one; `None` once the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<J> {
        self.wait(VecDeque::pop_front)
    }

    /// Takes all jobs, but at most `max`, waiting for one; `None` once the queue is closed and empty.
    pub(crate) fn pop_many(&self, max: usize) -> Option<Vec<J>> {
        self.wait(|jobs| {
            let count = jobs.len().min(max);
            (count > 0).then(|| jobs.drain(..count).collect())
        })
    }

    /// Lets the jobs that wait be done, and then the threads go.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for sleeper in state.sleepers.drain(..) {
            sleeper.unpark();
        }
    }

    fn wait<T>(&self, take: impl Fn(&mut VecDeque<J>) -> Option<T>) -> Option<T> {
        loop {
            let mut state = self.lock();
            if let Some(taken) = take(&mut state.jobs) {
                return Some(taken);
            }
            if state.closed {
                return None;
            }
            let me = thread::current();
            // Still in the list after a spurious wake-up.
            state.sleepers.retain(|sleeper| sleeper.id() != me.id());
            state.sleepers.push(me);
            drop(state);
            thread::park();
        }
    }

    /// The state is consistent at every moment at which a holder of the lock could panic.
    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn jobs_come_out_in_the_order_they_went_in() {
        let queue = Queue::new(3);
        for job in 1..=3 {
            queue.push(job).unwrap();
        }
        assert_eq!(queue.pop(), Some(1));
        assert_eq!(queue.pop_many(10), Some(vec![2, 3]));
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let queue = Queue::new(1);
        queue.push(1).unwrap();
        assert!(queue.push(2).is_err());
    }

    #[test]
    fn what_waits_is_done_after_closing_and_then_the_threads_end() {
        let queue = Queue::new(2);
        queue.push(1).unwrap();
        queue.close();
        assert!(queue.push(2).is_err());
        assert_eq!(queue.pop(), Some(1));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn many_threads_do_every_job_once() {
        let queue = Arc::new(Queue::new(usize::MAX));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || std::iter::from_fn(|| queue.pop()).sum::<u64>())
            })
            .collect();
        for job in 1..=10_000 {
            queue.push(job).unwrap();
        }
        queue.close();
        let total: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(total, 50_005_000);
    }
}
