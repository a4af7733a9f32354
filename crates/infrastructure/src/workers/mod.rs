//! The threads that wait for the database, so that no thread of the web server has to.

mod queue;
mod reply;
mod schedule;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use todo_domain::{RepositoryError, UserId};

use queue::Queue;
pub(crate) use queue::QueueOptions;
pub(crate) use reply::ReplyTo;
use reply::reply;
pub(crate) use schedule::{Class, GIVE_UP_AFTER, Job, Limits, Outcome};

/// A pool of threads behind one queue. One that does not come back long after its job's deadline is replaced.
/// Dropping it lets the queued jobs be done, and the threads end.
pub(crate) struct Workers<J: Job> {
    shared: Arc<Shared<J>>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared<J> {
    name: &'static str,
    queue: Queue<J>,
    work: Box<dyn Fn(Vec<J>) -> Outcome + Send + Sync>,
    started: AtomicUsize,
}

/// A job panicked. The text says where; it goes to the log, never to a client.
#[derive(Debug, thiserror::Error)]
#[error("a database job panicked: {0}")]
pub(crate) struct Panicked(pub(crate) String);

impl<J: Job> Workers<J> {
    /// Starts the threads, which `work` on batches of jobs.
    ///
    /// # Errors
    /// When the operating system grants no more threads.
    pub(crate) fn start(
        name: &'static str,
        options: QueueOptions,
        work: impl Fn(Vec<J>) -> Outcome + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let (queue, work, started) = (Queue::new(options), Box::new(work), AtomicUsize::new(0));
        let shared = Arc::new(Shared { name, queue, work, started });
        // Dropped when a thread cannot be started, so that the others end.
        let mut workers = Self { shared, threads: Vec::new() };
        for _ in 0..options.threads {
            workers.threads.push(Shared::start_thread(&workers.shared)?);
        }
        Ok(workers)
    }

    /// Has a thread do a job, and waits for what it replies, but for no longer than `timeout`.
    ///
    /// # Errors
    /// What the job replies; [`RepositoryError::Unavailable`] when it does not in time or the queue is full.
    pub(crate) async fn call<T>(
        &self,
        timeout: Duration,
        job: impl FnOnce(ReplyTo<T>) -> J,
    ) -> Result<T, RepositoryError> {
        let (reply_to, reply) = reply(timeout);
        let queue = &self.shared.queue;
        if let Err(full) = queue.push(job(reply_to)) {
            self.replace(queue.wake_for_waiting());
            return Err(RepositoryError::unavailable(full));
        }
        reply.wait(|| self.replace(queue.wake_for_waiting())).await
    }

    /// Starts threads in place of some that were given up.
    fn replace(&self, count: usize) {
        for _ in 0..count {
            let name = self.shared.name;
            match Shared::start_thread(&self.shared) {
                Ok(_) => tracing::warn!(name, "a thread is stuck in the database and was replaced"),
                Err(error) => {
                    tracing::error!(name, %error, "a thread that is stuck could not be replaced");
                    self.shared.queue.has_thread_less();
                }
            }
        }
    }

    /// Lets the queued jobs be done, and waits for that.
    pub(crate) fn finish(&mut self) {
        self.shared.queue.close();
        for thread in self.threads.drain(..) {
            // It catches panics; if it panicked all the same, there is nothing left to wait for.
            drop(thread.join());
        }
    }
}

impl<J: Job> Shared<J> {
    fn start_thread(shared: &Arc<Self>) -> std::io::Result<JoinHandle<()>> {
        let number = shared.started.fetch_add(1, Ordering::Relaxed) + 1;
        let thread = thread::Builder::new().name(format!("{}-{number}", shared.name));
        let shared = Arc::clone(shared);
        thread.spawn(move || shared.queue.work(&shared.work))
    }
}

impl<J: Job> Drop for Workers<J> {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}

/// Nobody's id, for what concerns no user.
pub(crate) const NOBODY: UserId = UserId(uuid::Uuid::nil());

/// A job that is done by itself.
pub(crate) struct Task {
    user: UserId,
    class: Class,
    deadline: Instant,
    run: Box<dyn FnOnce() -> Outcome + Send>,
}

impl Task {
    /// A job that is told its deadline. One that nobody waits for any more is not started; a panic is an error of
    /// this job only.
    pub(crate) fn new<T: Send + 'static>(
        user: UserId,
        class: Class,
        reply_to: ReplyTo<T>,
        job: impl FnOnce(Instant) -> (Result<T, RepositoryError>, Outcome) + Send + 'static,
    ) -> Self {
        let deadline = reply_to.deadline();
        let run = move || {
            if reply_to.is_expired() {
                return Outcome::NotStarted;
            }
            let (result, outcome) = catching_panics(|| job(deadline));
            reply_to.send(result);
            outcome
        };
        Self { user, class, deadline, run: Box::new(run) }
    }

    /// Does it.
    pub(crate) fn run(self) -> Outcome {
        (self.run)()
    }
}

impl Job for Task {
    fn user(&self) -> UserId {
        self.user
    }

    fn class(&self) -> Class {
        self.class
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn can_join(&self, _: &Self) -> bool {
        false
    }
}

/// Does jobs that are never batched.
pub(crate) fn one_by_one(tasks: Vec<Task>) -> Outcome {
    tasks.into_iter().map(Task::run).last().unwrap_or(Outcome::NotStarted)
}

/// How many processors there are.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Turns a panic of `job` into an error.
pub(crate) fn catching_panics<T>(
    job: impl FnOnce() -> (Result<T, RepositoryError>, Outcome),
) -> (Result<T, RepositoryError>, Outcome) {
    // What the job borrows is its connection, which its pool drops after a panic.
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        (Err(RepositoryError::internal(Panicked(text))), Outcome::InTime)
    })
}

#[cfg(test)]
mod tests;
