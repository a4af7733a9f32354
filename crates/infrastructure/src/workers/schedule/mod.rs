//! Which job runs next: fair queueing by user, with concurrency limits.
//!
//! Users are served round robin, however many jobs each of them has queued. A user never has more than
//! [`Limits::threads_per_user`] threads, and never more than one write in progress. So a user who sends many slow calls
//! only delays their own.
//!
//! A limit per user does not help if the database is slow for many users at once, for example because a shard hangs. So
//! users whose statements miss their deadline are classed as slow until one of their statements ends in time, and all
//! slow users together have only [`Limits::threads_for_slow_users`] threads. Bulk calls, which are slow by nature, have
//! a limit of their own.
//!
//! The schedule is a plain data structure: it has no threads and no clock.

mod batch;
mod job;
mod limits;
mod user;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use prometheus_client::metrics::histogram::Histogram;
use todo_domain::UserId;

pub(super) use batch::Batch;
use batch::RunningBatch;
pub(crate) use job::{Job, JobKind, Outcome};
pub(crate) use limits::Limits;
use limits::{ClassQueue, WorkClass};
use user::{QueuedJob, UserQueue};

use super::trace::CallMarks;

/// A thread that has not returned this long after its job's deadline is abandoned, with its connection.
pub(crate) const ABANDON_AFTER: Duration = Duration::from_secs(1);

/// While the queue is half full, expired jobs are dropped at most this often.
const EXPIRY_INTERVAL: Duration = Duration::from_millis(10);

/// How many slow users are remembered. Bounds memory.
const MAX_SLOW_USERS: usize = 4_096;

/// The queued jobs and the running batches.
pub(crate) struct Schedule<J> {
    limits: Limits,
    users: HashMap<UserId, UserQueue<J>>,
    classes: [ClassQueue; WorkClass::ALL.len()],
    /// The index of the class that is served first next time.
    next_class: usize,
    /// Jobs in all queues.
    waiting: usize,
    /// The last number given to a job or a batch.
    last_sequence: u64,
    running: Vec<RunningBatch>,
    /// How many of them are abandoned.
    abandoned: usize,
    next_expiry: Instant,
    /// Oldest first. Some may have ended a statement in time since.
    slow_users: VecDeque<UserId>,
    /// Records how long jobs waited, if that is of interest.
    waits: Option<Histogram>,
}

/// The queue is full, or the user's share of it; the job was not taken.
#[derive(Debug, thiserror::Error)]
#[error("the queue for the database is full")]
pub(crate) struct QueueFull;

impl<J: Job> Schedule<J> {
    pub(crate) fn new(limits: Limits, waits: Option<Histogram>) -> Self {
        let concurrency_limits =
            [usize::MAX, usize::MAX, limits.threads_for_slow_users, limits.threads_for_bulk];
        Self {
            limits,
            users: HashMap::new(),
            classes: concurrency_limits.map(ClassQueue::new),
            next_class: 0,
            waiting: 0,
            last_sequence: 0,
            running: Vec::new(),
            abandoned: 0,
            next_expiry: Instant::now(),
            slow_users: VecDeque::new(),
            waits,
        }
    }

    /// Adds a job.
    ///
    /// # Errors
    /// [`QueueFull`] if the queue is full, or if it is half full and a quarter of it belongs to this user.
    pub(crate) fn push(&mut self, job: J, marks: CallMarks, now: Instant) -> Result<(), QueueFull> {
        let user = job.user();
        let capacity = self.limits.capacity;
        if self.waiting >= capacity / 2 {
            self.drop_expired(now);
            let of_user = self.users.get(&user).map_or(0, UserQueue::waiting);
            let is_over_share = self.waiting >= capacity / 2 && of_user >= capacity.div_ceil(4);
            if self.waiting >= capacity || is_over_share {
                return Err(QueueFull);
            }
        }
        let sequence = self.next_sequence();
        let user_queue = self.users.entry(user).or_insert_with(UserQueue::new);
        let queued = QueuedJob { queued_at: now, sequence, marks, job };
        user_queue.waiting[queued.job.kind() as usize].push_back(queued);
        self.waiting += 1;
        self.enqueue_user(user);
        Ok(())
    }

    /// Drops jobs whose callers have stopped waiting.
    fn drop_expired(&mut self, now: Instant) {
        if now < self.next_expiry {
            return;
        }
        self.next_expiry = now + EXPIRY_INTERVAL;
        for waiting in self.users.values_mut().flat_map(|it| &mut it.waiting) {
            while waiting.front().is_some_and(|it| it.job.deadline() <= now) {
                let expired = waiting.pop_front();
                self.waiting -= 1;
                if let Some(expired) = expired {
                    expired.record_wait(self.waits.as_ref(), now);
                }
            }
        }
        // Users left without jobs are removed when a class queue reaches them.
    }

    /// Takes the next job, and the jobs that can be batched with it. `None` if no job may start now.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Batch<J>> {
        for _ in 0..WorkClass::ALL.len() {
            let class = WorkClass::ALL[self.next_class];
            self.next_class = (self.next_class + 1) % WorkClass::ALL.len();
            while self.classes[class as usize].free_slots(now) > 0 {
                let Some(user) = self.classes[class as usize].users.pop_front() else { break };
                let Some(user_queue) = self.users.get_mut(&user) else { continue };
                user_queue.is_queued[class as usize] = false;
                if let Some(kind) = user_queue.next_runnable(class, self.limits.threads_per_user)
                    && let Some(first) = user_queue.waiting[kind as usize].pop_front()
                {
                    user_queue.started(kind);
                    return Some(self.start(class, kind, user, first, now));
                }
                self.remove_if_idle(user);
            }
        }
        None
    }

    fn start(
        &mut self,
        class: WorkClass,
        kind: JobKind,
        user: UserId,
        first: QueuedJob<J>,
        now: Instant,
    ) -> Batch<J> {
        self.waiting -= 1;
        first.record_wait(self.waits.as_ref(), now);
        let QueuedJob { queued_at, job, marks, .. } = first;
        let id = self.next_sequence();
        let (mut users, mut jobs) = (vec![user], vec![job]);
        let mut traced: Vec<_> = marks.into_iter().collect();
        let can_batch = matches!(class, WorkClass::Lookups | WorkClass::Regular);
        if self.limits.max_batch > 1 && can_batch {
            self.fill_batch(class, kind, &mut users, &mut jobs, &mut traced, now);
        }
        for marks in traced {
            marks.start(now, jobs.len());
        }
        self.classes[class as usize].running += 1;
        let deadline = jobs.iter().map(Job::deadline).max().unwrap_or(now);
        for user in &users {
            self.enqueue_user(*user);
        }
        let (started_at, is_abandoned) = (now, false);
        self.running.push(RunningBatch {
            id,
            users,
            kind,
            class,
            queued_at,
            started_at,
            deadline,
            is_abandoned,
        });
        Batch { id, jobs }
    }

    /// Records the end of a batch. Returns whether its thread should continue: an abandoned one should end.
    pub(crate) fn finish(&mut self, id: u64, outcome: Outcome, now: Instant) -> bool {
        let Some(index) = self.running.iter().position(|it| it.id == id) else {
            return true;
        };
        let batch = self.running.swap_remove(index);
        if batch.is_abandoned {
            self.abandoned -= 1;
            return false;
        }
        self.release(&batch, outcome, now);
        true
    }

    /// Frees what a batch occupied, and classes its users as slow or not.
    fn release(&mut self, batch: &RunningBatch, outcome: Outcome, now: Instant) {
        let duration = now.saturating_duration_since(batch.started_at);
        let class = &mut self.classes[batch.class as usize];
        class.running -= 1;
        if batch.class == WorkClass::Bulk {
            class.cooldown_until = Some(now + duration * self.limits.bulk_cooldown_factor);
        }
        // A job that started shortly before its deadline says nothing about its user.
        let had_time = duration >= batch.deadline.saturating_duration_since(batch.queued_at) / 2
            && batch.class != WorkClass::Bulk;
        for user in &batch.users {
            let Some(user_queue) = self.users.get_mut(user) else { continue };
            user_queue.running -= 1;
            if batch.kind.writes() {
                user_queue.is_writing = false;
            }
            match outcome {
                Outcome::MissedDeadline if had_time && !user_queue.is_slow => {
                    user_queue.is_slow = true;
                    self.slow_users.push_back(*user);
                }
                Outcome::InTime => user_queue.is_slow = false,
                Outcome::MissedDeadline | Outcome::NotStarted => {}
            }
            self.enqueue_user(*user);
            self.remove_if_idle(*user);
        }
        while self.slow_users.len() > MAX_SLOW_USERS {
            let Some(user) = self.slow_users.pop_front() else { break };
            if let Some(user_queue) = self.users.get_mut(&user) {
                user_queue.is_slow = false;
                self.enqueue_user(user);
                self.remove_if_idle(user);
            }
        }
    }

    /// Adds a user to the queue of each class in which they have a runnable job.
    fn enqueue_user(&mut self, user: UserId) {
        let Some(user_queue) = self.users.get_mut(&user) else { return };
        for class in WorkClass::ALL {
            if !user_queue.is_queued[class as usize]
                && user_queue.next_runnable(class, self.limits.threads_per_user).is_some()
            {
                user_queue.is_queued[class as usize] = true;
                self.classes[class as usize].users.push_back(user);
            }
        }
    }

    fn remove_if_idle(&mut self, user: UserId) {
        if self.users.get(&user).is_some_and(UserQueue::is_idle) {
            self.users.remove(&user);
        }
    }

    /// When the cooldown of bulk calls ends, if any bulk call waits for that.
    pub(crate) fn cooldown_end(&self) -> Option<Instant> {
        let bulk = &self.classes[WorkClass::Bulk as usize];
        bulk.cooldown_until.filter(|_| !bulk.users.is_empty())
    }

    /// Ends the cooldown of bulk calls permanently.
    pub(crate) fn disable_cooldown(&mut self) {
        self.limits.bulk_cooldown_factor = 0;
        self.classes[WorkClass::Bulk as usize].cooldown_until = None;
    }

    /// How many waiting users have a job that may start now: a lookup, or anything else.
    pub(crate) fn runnable(&self, now: Instant) -> (usize, usize) {
        let of = |class: WorkClass| self.classes[class as usize].runnable(now);
        let others = of(WorkClass::Regular) + of(WorkClass::SlowUsers) + of(WorkClass::Bulk);
        (of(WorkClass::Lookups), others)
    }

    /// How many jobs wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many threads run a batch, not counting abandoned ones.
    pub(crate) fn busy(&self) -> usize {
        self.running.len() - self.abandoned
    }

    fn next_sequence(&mut self) -> u64 {
        self.last_sequence += 1;
        self.last_sequence
    }
}

#[cfg(test)]
mod tests;
