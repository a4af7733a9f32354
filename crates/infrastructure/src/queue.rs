//! A bounded queue between the callers, who never wait, and a few threads, who do.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// A bounded first-in-first-out queue of jobs.
///
/// It keeps as few threads awake as the work needs. Those that find it empty sleep, and the one that fell asleep
/// last is woken first: under light load the same warm thread, with its warm connection, does all the work. While
/// jobs are quick, they wait for processors more than for the database, so few threads do most: more would only
/// get into each other's way. When jobs take long, because the database waits for its disk or is far away, all
/// threads are used. And when those that are awake are stuck, [`Queue::nudge`] helps a job that waits for them.
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    capacity: usize,
    /// So many threads are enough while jobs are quick.
    few: usize,
}

/// A job that takes longer is not quick. A statement by primary key or on one page takes less, also when all
/// processors are busy; a commit to a disk or a way through a network takes more.
const QUICK: Duration = Duration::from_micros(500);

/// So many slow jobs more than quick ones, and jobs are held to be slow; twice as many are remembered. A mean would
/// not do: a thread that must let another run for a while makes one job very long.
const MOSTLY_SLOW: u32 = 8;

/// When no thread has taken a job for so long, those that are awake are stuck.
const STUCK: Duration = Duration::from_millis(1);

struct State<J> {
    jobs: VecDeque<J>,
    /// The threads that sleep, the last to fall asleep at the end.
    sleepers: Vec<Thread>,
    /// How many do not.
    awake: usize,
    /// How many more jobs were slow of late than quick.
    slow: u32,
    last_taken: Instant,
    /// How many threads were found stuck and have not come back.
    stuck: usize,
    closed: bool,
}

/// The queue holds as many jobs as it may; the job was not taken.
#[derive(Debug, thiserror::Error)]
#[error("the queue for the database is full")]
pub(crate) struct Full;

impl<J> Queue<J> {
    /// An empty queue for at most `capacity` waiting jobs and so many threads, of which `few` are enough while jobs
    /// are quick.
    pub(crate) fn new(capacity: usize, threads: usize, few: usize) -> Self {
        let state = State {
            jobs: VecDeque::new(),
            sleepers: Vec::new(),
            awake: threads,
            slow: 0,
            last_taken: Instant::now(),
            stuck: 0,
            closed: false,
        };
        Self { state: Mutex::new(state), capacity, few }
    }

    /// Adds a job. Never waits.
    pub(crate) fn push(&self, job: J) -> Result<(), Full> {
        let mut state = self.lock();
        if state.closed || state.jobs.len() >= self.capacity {
            return Err(Full);
        }
        state.jobs.push_back(job);
        if state.awake < self.wanted(&state) {
            wake_one(state);
        }
        Ok(())
    }

    /// Wakes one more thread if jobs wait for threads that are stuck.
    pub(crate) fn nudge(&self) {
        let mut state = self.lock();
        if !state.jobs.is_empty() && state.last_taken.elapsed() >= STUCK {
            state.stuck = state.awake;
            wake_one(state);
        }
    }

    /// Does one job after the other, the oldest first, until the queue is closed and empty.
    pub(crate) fn work(&self, mut run: impl FnMut(J)) {
        let mut next = self.pop();
        while let Some(job) = next {
            let begun = Instant::now();
            run(job);
            next = self.pop_after(begun.elapsed());
        }
    }

    /// Takes the oldest job, waiting for one; `None` once the queue is closed and empty.
    fn pop(&self) -> Option<J> {
        self.wait(self.lock(), VecDeque::pop_front)
    }

    /// The same, by a thread whose last job took so long. If it is one too many, it sleeps first.
    fn pop_after(&self, took: Duration) -> Option<J> {
        let mut state = self.lock();
        state.slow = if took > QUICK {
            (state.slow + 1).min(2 * MOSTLY_SLOW)
        } else {
            state.slow.saturating_sub(1)
        };
        if took >= STUCK {
            state.stuck = state.stuck.saturating_sub(1);
        }
        let wanted = self.wanted(&state);
        if state.awake > wanted && !state.closed {
            state = self.sleep(state);
        } else if state.awake < wanted && state.jobs.len() > 1 {
            wake_one(state);
            state = self.lock();
        }
        self.wait(state, VecDeque::pop_front)
    }

    /// Takes all jobs, but at most `max`, waiting for one; `None` once the queue is closed and empty.
    pub(crate) fn pop_many(&self, max: usize) -> Option<Vec<J>> {
        self.wait(self.lock(), |jobs| {
            let count = jobs.len().min(max);
            (count > 0).then(|| jobs.drain(..count).collect())
        })
    }

    /// How many threads should be awake while there is work.
    fn wanted(&self, state: &State<J>) -> usize {
        if state.slow >= MOSTLY_SLOW { usize::MAX } else { self.few + state.stuck }
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

    fn wait<'a, T>(
        &'a self,
        mut state: MutexGuard<'a, State<J>>,
        take: impl Fn(&mut VecDeque<J>) -> Option<T>,
    ) -> Option<T> {
        loop {
            if let Some(taken) = take(&mut state.jobs) {
                state.last_taken = Instant::now();
                return Some(taken);
            }
            if state.closed {
                return None;
            }
            state = self.sleep(state);
        }
    }

    /// Sleeps until somebody wakes this thread.
    fn sleep<'a>(&'a self, mut state: MutexGuard<'a, State<J>>) -> MutexGuard<'a, State<J>> {
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
        state
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
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::SeqCst;

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

    /// The most threads that were at work at once, of four of which one is enough, on jobs that take so long.
    fn most_at_work(job_takes: Duration) -> usize {
        let queue = Arc::new(Queue::new(usize::MAX, 4, 1));
        let (at_work, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    queue.work(|()| {
                        most.fetch_max(at_work.fetch_add(1, SeqCst) + 1, SeqCst);
                        thread::sleep(job_takes);
                        at_work.fetch_sub(1, SeqCst);
                    });
                });
            }
            while queue.lock().awake > 0 {
                thread::yield_now();
            }
            for _ in 0..100 {
                queue.push(()).unwrap();
            }
            while !queue.lock().jobs.is_empty() {
                thread::yield_now();
            }
            queue.close();
        });
        most.into_inner()
    }

    #[test]
    fn quick_jobs_are_done_by_few_threads() {
        // What else the machine does can make a few of them slow, but not the most.
        assert!((0..100).any(|_| most_at_work(Duration::ZERO) == 1));
    }

    #[test]
    fn slow_jobs_are_done_by_all_threads() {
        assert_eq!(most_at_work(Duration::from_millis(5)), 4);
    }

    #[test]
    fn a_job_that_the_awake_threads_cannot_take_is_taken_by_one_that_is_nudged() {
        use std::sync::mpsc::channel;

        let queue = Arc::new(Queue::new(10, 2, 1));
        for _ in 0..2 {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.work(|job: Box<dyn FnOnce() + Send>| job()));
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
        // The one that is stuck does not count any more: what comes next needs no help.
        for _ in 0..100 {
            let (done, is_done) = channel();
            queue.push(Box::new(move || done.send(()).unwrap())).map_err(drop).unwrap();
            is_done.recv_timeout(Duration::from_secs(60)).unwrap();
        }
        release.send(()).unwrap();
        queue.close();
    }
}
