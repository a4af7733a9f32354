//! The jobs of one user.

use std::collections::VecDeque;
use std::time::Instant;

use prometheus_client::metrics::histogram::Histogram;

use super::job::JobKind;
use super::limits::WorkClass;
use crate::workers::trace::CallMarks;

/// A user's queued jobs, and how many threads work for the user.
pub(super) struct UserQueue<J> {
    /// By kind, oldest first.
    pub(super) waiting: [VecDeque<QueuedJob<J>>; JobKind::COUNT],
    /// Threads that run jobs of this user.
    pub(super) running: usize,
    /// Whether one of them writes.
    pub(super) is_writing: bool,
    /// Whether the user's last statement missed its deadline.
    pub(super) is_slow: bool,
    /// In which class queues the user is.
    pub(super) is_queued: [bool; WorkClass::ALL.len()],
}

/// A job in the queue.
pub(super) struct QueuedJob<J> {
    pub(super) queued_at: Instant,
    /// Orders the jobs of a user across kinds.
    pub(super) sequence: u64,
    /// Notes when it starts, if its call is traced.
    pub(super) marks: CallMarks,
    pub(super) job: J,
}

impl<J> QueuedJob<J> {
    /// Records how long the job has waited, if that is of interest.
    pub(super) fn record_wait(&self, waits: Option<&Histogram>, now: Instant) {
        if let Some(waits) = waits {
            waits.observe(now.saturating_duration_since(self.queued_at).as_secs_f64());
        }
    }
}

impl<J> UserQueue<J> {
    pub(super) fn new() -> Self {
        Self {
            waiting: std::array::from_fn(|_| VecDeque::new()),
            running: 0,
            is_writing: false,
            is_slow: false,
            is_queued: [false; WorkClass::ALL.len()],
        }
    }

    /// How many jobs wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.iter().map(VecDeque::len).sum()
    }

    /// Whether nothing needs to be remembered about the user.
    pub(super) fn is_idle(&self) -> bool {
        let is_queued = self.is_queued.contains(&true);
        self.running == 0 && !self.is_slow && !is_queued && self.waiting() == 0
    }

    /// Whether the user's limits allow another job of this kind.
    pub(super) fn may_start(&self, kind: JobKind, threads_per_user: usize) -> bool {
        self.running < threads_per_user && !(kind.writes() && self.is_writing)
    }

    /// Counts a thread that runs a job of this kind.
    pub(super) fn started(&mut self, kind: JobKind) {
        self.running += 1;
        self.is_writing |= kind.writes();
    }

    /// The kind of the oldest job in this class that the user's limits allow.
    pub(super) fn next_runnable(
        &self,
        class: WorkClass,
        threads_per_user: usize,
    ) -> Option<JobKind> {
        let kinds: &[JobKind] = match (class, self.is_slow) {
            (WorkClass::Bulk, _) => &[JobKind::Bulk],
            (WorkClass::SlowUsers, true) => &[JobKind::Lookup, JobKind::Read, JobKind::Write],
            (WorkClass::Lookups, false) => &[JobKind::Lookup],
            (WorkClass::Regular, false) => &[JobKind::Read, JobKind::Write],
            (WorkClass::SlowUsers, false) | (WorkClass::Lookups | WorkClass::Regular, true) => &[],
        };
        let sequence = |kind: JobKind| self.waiting[kind as usize].front().map(|it| it.sequence);
        kinds
            .iter()
            .copied()
            .filter(|kind| sequence(*kind).is_some() && self.may_start(*kind, threads_per_user))
            .min_by_key(|kind| sequence(*kind))
    }
}
