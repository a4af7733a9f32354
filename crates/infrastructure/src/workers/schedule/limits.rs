//! Concurrency limits, for each user and for each class of work.

use std::collections::VecDeque;
use std::time::Instant;

use todo_domain::UserId;

/// How much work may wait, and how much may run at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Jobs that may wait in the queue.
    pub(crate) capacity: usize,
    /// Jobs in a batch.
    pub(crate) max_batch: usize,
    /// Threads that may run jobs of one user at once.
    pub(crate) threads_per_user: usize,
    /// Threads that may run jobs of slow users at once.
    pub(crate) threads_for_slow_users: usize,
    /// Threads that may run bulk calls at once.
    pub(crate) threads_for_bulk: usize,
    /// After a bulk call no other starts for this many times its duration. 0 means no cooldown.
    pub(crate) bulk_cooldown_factor: u32,
    /// Threads that may be abandoned at once.
    pub(crate) max_abandoned: usize,
}

impl Limits {
    /// The limits for a pool of `threads`, without batching.
    pub(crate) fn for_pool(threads: usize, capacity: usize) -> Self {
        let quarter = (threads / 4).max(1);
        Self {
            capacity,
            max_batch: 1,
            threads_per_user: quarter,
            threads_for_slow_users: quarter,
            threads_for_bulk: quarter,
            bulk_cooldown_factor: 0,
            max_abandoned: threads * 3,
        }
    }
}

/// Classes of work. Each has its own queue of users and its own concurrency limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkClass {
    /// Lookups of all users but the slow ones. Unlimited.
    Lookups,
    /// Other reads, and writes of one todo, of all users but the slow ones. Unlimited.
    Regular,
    /// All of that, of slow users.
    SlowUsers,
    /// Bulk calls of all users.
    Bulk,
}

impl WorkClass {
    pub(super) const ALL: [Self; 4] = [Self::Lookups, Self::Regular, Self::SlowUsers, Self::Bulk];
}

/// The users who have runnable jobs of one class, and the class's concurrency limit.
pub(super) struct ClassQueue {
    /// Round robin. Each user is in it at most once.
    pub(super) users: VecDeque<UserId>,
    /// Threads that run jobs of this class.
    pub(super) running: usize,
    concurrency_limit: usize,
    /// No job starts before then.
    pub(super) cooldown_until: Option<Instant>,
}

impl ClassQueue {
    pub(super) fn new(concurrency_limit: usize) -> Self {
        Self { users: VecDeque::new(), running: 0, concurrency_limit, cooldown_until: None }
    }

    /// How many more jobs may start now.
    pub(super) fn free_slots(&self, now: Instant) -> usize {
        match self.cooldown_until {
            Some(until) if now < until => 0,
            _ => self.concurrency_limit.saturating_sub(self.running),
        }
    }

    /// How many of the queued users can have a job started now.
    pub(super) fn runnable(&self, now: Instant) -> usize {
        self.users.len().min(self.free_slots(now))
    }
}
