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
/// get into each other's way. When those take long that may wait for something else than a processor, all threads are
/// used. And when those that are awake are stuck, [`Queue::nudge`] helps a job that waits for them.
///
/// A thread takes the oldest job, and with it those behind it that can be done together with it.
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    options: QueueOptions,
}

/// What a queue holds.
pub(crate) trait Job {
    /// Whether it can be done together with a job that is about to be done.
    fn joins(&self, first: &Self) -> bool;

    /// Whether it may take long without needing a processor, as a commit waits for a disk.
    fn may_wait(&self) -> bool;
}

/// How a queue is used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueOptions {
    /// At most so many jobs wait,
    pub(crate) capacity: usize,
    /// for so many threads,
    pub(crate) threads: usize,
    /// of which so many are enough while jobs are quick,
    pub(crate) few: usize,
    /// and so many while most jobs are done together, which they are the more the fewer threads there are.
    pub(crate) fewest: usize,
    /// At most so many are.
    pub(crate) together: usize,
}

/// How far behind a job others are looked for that join it.
const LOOK: usize = 64;

/// A job that takes longer is not quick. A statement by primary key or on one page takes less, also when all
/// processors are busy; a commit to a disk or a way through a network takes more.
const QUICK: Duration = Duration::from_micros(500);

/// What each job that is done together with it may add.
const QUICK_COMPANY: Duration = Duration::from_micros(100);

/// When no thread has taken a job for so long, those that have been at work for so long are stuck.
const STUCK: Duration = Duration::from_millis(1);

struct State<J> {
    jobs: VecDeque<J>,
    /// The threads that sleep, the last to fall asleep at the end.
    sleepers: Vec<Thread>,
    /// How many do not.
    awake: usize,
    slow: Majority,
    together: Majority,
    last_taken: Instant,
    /// How often jobs were taken.
    taken: u64,
    at_work: Vec<Work>,
    closed: bool,
}

/// What one thread does.
struct Work {
    /// How often jobs had been taken before.
    number: u64,
    begun: Instant,
    /// How many jobs it does.
    count: usize,
    /// Whether one of them may wait.
    may_wait: bool,
    /// Whether it was found to take long while other jobs waited.
    is_stuck: bool,
}

/// What most jobs were like of late. A mean would not do: a thread that must let another run for a while makes one job
/// very long.
struct Majority(u32);

impl Majority {
    /// So many jobs more that were than were not; twice as many are remembered.
    const REACHED: u32 = 8;

    fn count(&mut self, was: bool) {
        self.0 = if was { (self.0 + 1).min(2 * Self::REACHED) } else { self.0.saturating_sub(1) };
    }

    fn is_reached(&self) -> bool {
        self.0 >= Self::REACHED
    }
}

/// The queue holds as many jobs as it may; the job was not taken.
#[derive(Debug, thiserror::Error)]
#[error("the queue for the database is full")]
pub(crate) struct Full;

impl<J: Job> Queue<J> {
    /// An empty queue.
    pub(crate) fn new(options: QueueOptions) -> Self {
        let state = State {
            jobs: VecDeque::new(),
            sleepers: Vec::new(),
            awake: options.threads,
            slow: Majority(0),
            together: Majority(0),
            last_taken: Instant::now(),
            taken: 0,
            at_work: Vec::new(),
            closed: false,
        };
        Self { state: Mutex::new(state), options }
    }

    /// Adds a job. Never waits.
    pub(crate) fn push(&self, job: J) -> Result<(), Full> {
        let mut state = self.lock();
        if state.closed || state.jobs.len() >= self.options.capacity {
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
            for work in &mut state.at_work {
                work.is_stuck |= work.begun.elapsed() >= STUCK;
            }
            wake_one(state);
        }
    }

    /// Does one job after the other, the oldest first and with it those that join it, until the queue is closed and
    /// empty.
    pub(crate) fn work(&self, mut run: impl FnMut(Vec<J>)) {
        let mut next = self.pop();
        while let Some((number, jobs)) = next {
            run(jobs);
            next = self.pop_after(number);
        }
    }

    /// Takes the oldest job and those that join it, waiting for one; `None` once the queue is closed and empty.
    fn pop(&self) -> Option<(u64, Vec<J>)> {
        self.wait(self.lock())
    }

    /// The same, by a thread that has done the jobs that it took under that number. If it is one too many, it sleeps first.
    fn pop_after(&self, number: u64) -> Option<(u64, Vec<J>)> {
        let mut state = self.lock();
        if let Some(index) = state.at_work.iter().position(|work| work.number == number) {
            let work = state.at_work.swap_remove(index);
            state.remember(work.count, work.may_wait, work.begun.elapsed());
        }
        let wanted = self.wanted(&state);
        if state.awake > wanted && !state.closed {
            state = self.sleep(state);
        } else if state.awake < wanted && state.jobs.len() > 1 {
            wake_one(state);
            state = self.lock();
        }
        self.wait(state)
    }

    /// How many threads should be awake while there is work.
    fn wanted(&self, state: &State<J>) -> usize {
        if state.slow.is_reached() {
            return usize::MAX;
        }
        let QueueOptions { few, fewest, .. } = self.options;
        let stuck = state.at_work.iter().filter(|work| work.is_stuck).count();
        stuck + if state.together.is_reached() { fewest } else { few }
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

    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State<J>>) -> Option<(u64, Vec<J>)> {
        loop {
            if let Some(first) = state.jobs.pop_front() {
                let (number, begun) = (state.taken, Instant::now());
                state.taken += 1;
                state.last_taken = begun;
                let jobs = self.with_company(first, &mut state.jobs);
                let (count, may_wait) = (jobs.len(), jobs.iter().any(Job::may_wait));
                state.at_work.push(Work { number, begun, count, may_wait, is_stuck: false });
                return Some((number, jobs));
            }
            if state.closed {
                return None;
            }
            state = self.sleep(state);
        }
    }

    /// A job, and those of the others that join it.
    fn with_company(&self, first: J, others: &mut VecDeque<J>) -> Vec<J> {
        let mut jobs = vec![first];
        let mut index = 0;
        while jobs.len() < self.options.together && index < others.len().min(LOOK) {
            if others[index].joins(&jobs[0]) {
                jobs.extend(others.remove(index));
            } else {
                index += 1;
            }
        }
        jobs
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

impl<J> State<J> {
    /// Learns from jobs that were done together, so many in so much time.
    fn remember(&mut self, count: usize, may_wait: bool, took: Duration) {
        let company = u32::try_from(count - 1).unwrap_or(u32::MAX);
        // What only needs a processor takes long where too many threads want one: more would not help.
        self.slow.count(may_wait && took > QUICK + QUICK_COMPANY.saturating_mul(company));
        self.together.count(company > 0);
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
    use crate::workers::one_by_one;

    /// Jobs of one parity are done together.
    impl Job for u64 {
        fn joins(&self, first: &Self) -> bool {
            self % 2 == first % 2
        }

        fn may_wait(&self) -> bool {
            false
        }
    }

    impl Job for () {
        fn joins(&self, (): &Self) -> bool {
            false
        }

        fn may_wait(&self) -> bool {
            true
        }
    }

    fn queue<J: Job>(capacity: usize, threads: usize, few: usize, together: usize) -> Queue<J> {
        Queue::new(QueueOptions { capacity, threads, few, fewest: few, together })
    }

    fn pop<J: Job>(queue: &Queue<J>) -> Option<Vec<J>> {
        queue.pop().map(|(_, jobs)| jobs)
    }

    #[test]
    fn jobs_come_out_in_the_order_they_went_in() {
        let queue = queue(3, 1, 1, 1);
        for job in 1..=3 {
            queue.push(job).unwrap();
        }
        for job in 1..=3 {
            assert_eq!(pop(&queue), Some(vec![job]));
        }
    }

    #[test]
    fn a_job_is_done_together_with_those_that_join_it_but_with_no_more_than_told() {
        let queue = queue(10, 1, 1, 3);
        for job in 1..=8 {
            queue.push(job).unwrap();
        }
        assert_eq!(pop(&queue), Some(vec![1, 3, 5]));
        assert_eq!(pop(&queue), Some(vec![2, 4, 6]));
        assert_eq!(pop(&queue), Some(vec![7]));
        assert_eq!(pop(&queue), Some(vec![8]));
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let queue = queue(1, 1, 1, 1);
        queue.push(1_u64).unwrap();
        assert!(queue.push(2).is_err());
    }

    #[test]
    fn what_waits_is_done_after_closing_and_then_the_threads_end() {
        let queue = queue(2, 1, 1, 1);
        queue.push(1_u64).unwrap();
        queue.close();
        assert!(queue.push(2).is_err());
        assert_eq!(pop(&queue), Some(vec![1]));
        assert_eq!(pop(&queue), None);
    }

    #[test]
    fn many_threads_do_every_job_once() {
        let queue = Arc::new(queue(usize::MAX, 4, 2, 5));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || std::iter::from_fn(|| pop(&queue)).flatten().sum::<u64>())
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
        let queue = Arc::new(queue(usize::MAX, 4, 1, 1));
        let (at_work, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    queue.work(|_| {
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
    fn a_thread_counts_as_stuck_until_it_is_back() {
        let queue = queue(10, 1, 1, 1);
        for job in [1_u64, 2, 3] {
            queue.push(job).unwrap();
        }
        let (number, _) = queue.pop().unwrap();
        thread::sleep(STUCK);
        queue.nudge();
        assert_eq!(queue.wanted(&queue.lock()), 2);
        queue.pop_after(number).unwrap();
        assert_eq!(queue.wanted(&queue.lock()), 1);
    }

    #[test]
    fn how_many_threads_are_wanted_depends_on_what_most_jobs_were_like() {
        let options = QueueOptions { capacity: 1, threads: 4, few: 3, fewest: 2, together: 8 };
        let queue = Queue::<()>::new(options);
        let wanted_after = |count, may_wait, took| {
            for _ in 0..2 * Majority::REACHED {
                queue.lock().remember(count, may_wait, took);
            }
            queue.wanted(&queue.lock())
        };
        assert_eq!(wanted_after(1, true, QUICK), 3);
        assert_eq!(wanted_after(2, true, QUICK), 2);
        assert_eq!(wanted_after(8, true, QUICK + 7 * QUICK_COMPANY), 2);
        assert_eq!(wanted_after(8, true, QUICK * 4), usize::MAX);
        assert_eq!(wanted_after(8, false, QUICK * 4), 2);
        assert_eq!(wanted_after(1, true, QUICK), 3);
    }

    #[test]
    fn a_job_that_the_awake_threads_cannot_take_is_taken_by_one_that_is_nudged() {
        use std::sync::mpsc::channel;

        let queue = Arc::new(queue(10, 2, 1, 1));
        for _ in 0..2 {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.work(one_by_one));
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
