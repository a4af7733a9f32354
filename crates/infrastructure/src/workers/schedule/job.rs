//! What the schedule knows about a job.

use std::time::Instant;

use todo_domain::UserId;

/// A unit of work that waits in the queue.
pub(crate) trait Job: Send + 'static {
    /// The user who waits for the job. Fair queueing and limits apply per user.
    fn user(&self) -> UserId;

    fn kind(&self) -> JobKind;

    /// When the caller stops waiting. The job is not started after that.
    fn deadline(&self) -> Instant;

    /// Whether this job can run in one batch with `first`, a job of the same kind that is about to start.
    fn can_batch_with(&self, first: &Self) -> bool;
}

/// Kinds of jobs, by what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobKind {
    /// Reads a row or a page by an index. It is so cheap that waiting for a full batch pays off.
    Lookup,
    /// Any other read.
    Read,
    /// Writes one todo.
    Write,
    /// Writes any number of todos.
    Bulk,
}

impl JobKind {
    pub(crate) const COUNT: usize = 4;

    pub(super) fn writes(self) -> bool {
        matches!(self, Self::Write | Self::Bulk)
    }
}

/// How a batch of jobs ended, ordered from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// No statement was started.
    NotStarted,
    /// The statement ended before the deadline, successfully or not.
    InTime,
    /// The statement was not complete at the deadline.
    MissedDeadline,
}
