//! Filling a batch, and what is remembered about it while it runs.

use std::sync::Arc;
use std::time::Instant;

use todo_domain::UserId;

use super::job::{Job, JobKind, Outcome};
use super::limits::WorkClass;
use super::{ABANDON_AFTER, Schedule};
use crate::workers::trace::Marks;

/// How many users in the queue are searched for jobs that can be added to a batch.
const MAX_BATCH_CANDIDATES: usize = 128;

/// Jobs that a thread runs together, and the id by which it reports their end.
pub(crate) struct Batch<J> {
    pub(crate) id: u64,
    pub(crate) jobs: Vec<J>,
}

/// A batch that a thread is running.
#[derive(Clone)]
pub(super) struct RunningBatch {
    pub(super) id: u64,
    pub(super) users: Vec<UserId>,
    pub(super) kind: JobKind,
    pub(super) class: WorkClass,
    /// When its first job was queued.
    pub(super) queued_at: Instant,
    pub(super) started_at: Instant,
    /// The latest deadline of its jobs.
    pub(super) deadline: Instant,
    pub(super) is_abandoned: bool,
}

impl<J: Job> Schedule<J> {
    /// Adds jobs that can be batched with the first one: one of each user, then a second of each, and so on. Adds those
    /// that are traced to `traced`, too.
    pub(super) fn fill_batch(
        &mut self,
        class: WorkClass,
        kind: JobKind,
        users: &mut Vec<UserId>,
        batch: &mut Vec<J>,
        traced: &mut Vec<Arc<Marks>>,
        now: Instant,
    ) {
        let queued = &mut self.classes[class as usize].users;
        let others: Vec<UserId> = queued.drain(..queued.len().min(MAX_BATCH_CANDIDATES)).collect();
        let candidates: Vec<UserId> = users.iter().chain(&others).copied().collect();
        let mut is_growing = true;
        while is_growing && batch.len() < self.limits.max_batch {
            is_growing = false;
            for user in &candidates {
                let Some(user_queue) = self.users.get_mut(user) else { continue };
                let is_in_batch = users.contains(user);
                if batch.len() == self.limits.max_batch
                    || !is_in_batch && !user_queue.may_start(kind, self.limits.threads_per_user)
                {
                    continue;
                }
                let waiting = &mut user_queue.waiting[kind as usize];
                if waiting.front().is_some_and(|it| it.job.can_batch_with(&batch[0])) {
                    let Some(queued) = waiting.pop_front() else { continue };
                    queued.record_wait(self.waits.as_ref(), now);
                    batch.push(queued.job);
                    traced.extend(queued.marks);
                    self.waiting -= 1;
                    is_growing = true;
                    if !is_in_batch {
                        users.push(*user);
                        user_queue.started(kind);
                    }
                }
            }
        }
        // Users who still have runnable jobs keep their place.
        for user in others.into_iter().rev() {
            let Some(user_queue) = self.users.get_mut(&user) else { continue };
            let next = user_queue.next_runnable(class, self.limits.threads_per_user);
            user_queue.is_queued[class as usize] = next.is_some();
            if next.is_some() {
                self.classes[class as usize].users.push_front(user);
            }
        }
    }

    /// Abandons threads whose jobs are long past their deadlines, as many as the limit allows. Returns how many.
    pub(crate) fn abandon_stuck(&mut self, now: Instant) -> usize {
        let mut count = 0;
        for index in 0..self.running.len() {
            let batch = &mut self.running[index];
            if self.abandoned < self.limits.max_abandoned
                && !batch.is_abandoned
                && now >= batch.deadline + ABANDON_AFTER
            {
                batch.is_abandoned = true;
                let batch = batch.clone();
                self.release(&batch, Outcome::MissedDeadline, now);
                self.abandoned += 1;
                count += 1;
            }
        }
        count
    }
}
