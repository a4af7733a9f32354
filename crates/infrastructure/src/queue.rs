//! A bounded queue between the callers, who never wait, and a few threads, who do.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

/// A bounded first-in-first-out queue of jobs.
///
/// It keeps as few threads awake as the work needs. Those that find it empty sleep, and the one that fell asleep
/// last is woken first: under light load the same warm thread, with its warm connection, does all the work. A
/// new job wakes a thread only while few are awake; one that has waited for a while, because those that are awake
/// wait for the database themselves, is helped by [`Queue::nudge`].
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    capacity: usize,
    /// So many threads are woken for new jobs at once.
    eager: usize,
}

struct State<J> {
    jobs: VecDeque<J>,
    /// The threads that sleep, the last to fall asleep at the end.
    sleepers: Vec<Thread>,
    /// How many do not.
    awake: usize,
    closed: bool,
}

/// The queue holds as many jobs as it may; the job was not taken.
#[derive(Debug, thiserror::Error)]
#[error("the queue for the database is full")]
pub(crate) struct Full;

impl<J> Queue<J> {
    /// An empty queue for at most `capacity` waiting jobs and so many threads, of which new jobs wake up to
    /// `eager` at once.
    pub(crate) fn new(capacity: usize, threads: usize, eager: usize) -> Self {
        let state =
            State { jobs: VecDeque::new(), sleepers: Vec::new(), awake: threads, closed: false };
        Self { state: Mutex::new(state), capacity, eager }
    }

    /// Adds a job. Never waits.
    pub(crate) fn push(&self, job: J) -> Result<(), Full> {
        let mut state = self.lock();
        if state.closed || state.jobs.len() >= self.capacity {
            return Err(Full);
        }
        state.jobs.push_back(job);
        if state.awake < self.eager {
            wake_one(state);
        }
        Ok(())
    }

    /// Wakes one more thread if jobs wait.
    pub(crate) fn nudge(&self) {
        let state = self.lock();
        if !state.jobs.is_empty() {
            wake_one(state);
        }
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
        state.awake += state.sleepers.len();
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
            state.awake -= 1;
            state.sleepers.push(me.clone());
            drop(state);
            thread::park();
            // Who wakes a thread takes it from the list; what woke by itself is still there.
            let mut state = self.lock();
            if let Some(index) = state.sleepers.iter().position(|it| it.id() == me.id()) {
                state.sleepers.remove(index);
                state.awake += 1;
            }
        }
    }

    /// The state is consistent at every moment at which a holder of the lock could panic.
    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake_one<J>(mut state: MutexGuard<'_, State<J>>) {
    if let Some(sleeper) = state.sleepers.pop() {
        state.awake += 1;
        drop(state);
        sleeper.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn jobs_come_out_in_the_order_they_went_in() {
        let queue = Queue::new(3, 1, 1);
        for job in 1..=3 {
            queue.push(job).unwrap();
        }
        assert_eq!(queue.pop(), Some(1));
        assert_eq!(queue.pop_many(10), Some(vec![2, 3]));
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let queue = Queue::new(1, 1, 1);
        queue.push(1).unwrap();
        assert!(queue.push(2).is_err());
    }

    #[test]
    fn what_waits_is_done_after_closing_and_then_the_threads_end() {
        let queue = Queue::new(2, 1, 1);
        queue.push(1).unwrap();
        queue.close();
        assert!(queue.push(2).is_err());
        assert_eq!(queue.pop(), Some(1));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn many_threads_do_every_job_once() {
        let queue = Arc::new(Queue::new(usize::MAX, 4, 2));
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

    #[test]
    fn a_job_that_the_awake_threads_cannot_take_is_taken_by_one_that_is_nudged() {
        use std::sync::mpsc::channel;
        use std::time::Duration;

        let queue = Arc::new(Queue::new(10, 2, 1));
        for _ in 0..2 {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                while let Some(job) = queue.pop() {
                    let job: Box<dyn FnOnce() + Send> = job;
                    job();
                }
            });
        }
        while queue.lock().awake > 0 {
            thread::yield_now();
        }
        let (release, blocked) = channel::<()>();
        queue.push(Box::new(move || blocked.recv().unwrap())).map_err(drop).unwrap();
        let (done, is_done) = channel();
        queue.push(Box::new(move || done.send(()).unwrap())).map_err(drop).unwrap();
        assert!(
            is_done.recv_timeout(Duration::from_millis(50)).is_err(),
            "one thread is enough at first"
        );
        queue.nudge();
        is_done.recv_timeout(Duration::from_secs(60)).unwrap();
        release.send(()).unwrap();
        queue.close();
    }
}
