//! Worker threads that run database calls, so that HTTP threads never block.

mod metrics;
mod queue;
mod reply;
mod schedule;
mod trace;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use todo_domain::{RepositoryError, UserId};

pub(crate) use metrics::QueueMetrics;
use queue::Queue;
pub(crate) use queue::QueueOptions;
use reply::reply;
pub(crate) use reply::{NoReply, ReplyTo};
pub(crate) use schedule::{ABANDON_AFTER, Job, JobKind, Limits, Outcome, QueueFull};
use trace::CallTrace;
pub(crate) use trace::PoolTracer;

/// A pool of threads behind one queue. A thread that is stuck long after its job's deadline is replaced.
/// Dropping it closes the queue: the threads run the queued jobs and end.
pub(crate) struct Workers<J: Job> {
    shared: Arc<Shared<J>>,
    threads: Vec<JoinHandle<()>>,
    tracer: Option<PoolTracer>,
}

struct Shared<J> {
    name: &'static str,
    queue: Queue<J>,
    work: Box<dyn Fn(Vec<J>) -> Outcome + Send + Sync>,
    started: AtomicUsize,
}

/// A job panicked. The message is logged, and never sent to a client.
#[derive(Debug, thiserror::Error)]
#[error("a database job panicked: {0}")]
pub(crate) struct Panicked(pub(crate) String);

impl<J: Job> Workers<J> {
    /// Starts the threads, which run batches of jobs by `work`.
    ///
    /// # Errors
    /// If the operating system refuses to start a thread.
    pub(crate) fn start(
        name: &'static str,
        options: QueueOptions,
        work: impl Fn(Vec<J>) -> Outcome + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        Self::start_measured(name, options, None, work)
    }

    /// The same, and records what the metrics say, if there are any.
    ///
    /// # Errors
    /// As [`Workers::start`].
    pub(crate) fn start_measured(
        name: &'static str,
        options: QueueOptions,
        metrics: Option<QueueMetrics>,
        work: impl Fn(Vec<J>) -> Outcome + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let queue = Queue::new(options, metrics.as_ref().map(|it| it.wait.clone()));
        let work: Box<dyn Fn(Vec<J>) -> Outcome + Send + Sync> = match metrics {
            Some(metrics) => Box::new(metrics.measure(work)),
            None => Box::new(work),
        };
        let shared = Arc::new(Shared { name, queue, work, started: AtomicUsize::new(0) });
        // If a thread cannot be started, this is dropped, and the others end.
        let mut workers = Self { shared, threads: Vec::new(), tracer: None };
        for _ in 0..options.threads {
            workers.threads.push(Shared::start_thread(&workers.shared)?);
        }
        Ok(workers)
    }

    /// Traces the calls, if there is a tracer.
    pub(crate) fn trace(&mut self, tracer: Option<PoolTracer>) {
        self.tracer = tracer;
    }

    /// Queues a job and waits for its reply, for at most `timeout`.
    ///
    /// # Errors
    /// The error that the job replies with; [`RepositoryError::Unavailable`] if the queue is full or there is no reply in
    /// time.
    pub(crate) async fn call<T>(
        &self,
        timeout: Duration,
        job: impl FnOnce(ReplyTo<T>) -> J,
    ) -> Result<T, RepositoryError> {
        let mut trace = self.tracer.as_ref().and_then(|it| it.begin(self.shared.name));
        let marks = trace.as_ref().map(CallTrace::marks);
        let (reply_to, reply) = reply(timeout, marks.clone());
        let job = job(reply_to);
        if let Some(trace) = &mut trace {
            trace.set_kind(job.kind());
        }
        let queue = &self.shared.queue;
        let check = || self.replace_abandoned(queue.wake_for_delayed_jobs());
        let result = match queue.push(job, marks) {
            Ok(()) => reply.wait(check).await,
            Err(error) => {
                check();
                Err(RepositoryError::unavailable(error))
            }
        };
        if let Some(trace) = trace {
            trace.end(&result);
        }
        result
    }

    /// Starts new threads in place of abandoned ones.
    fn replace_abandoned(&self, count: usize) {
        for _ in 0..count {
            let name = self.shared.name;
            match Shared::start_thread(&self.shared) {
                Ok(_) => tracing::warn!(name, "a thread is stuck in the database and was replaced"),
                Err(error) => {
                    tracing::error!(name, %error, "a thread that is stuck could not be replaced");
                    self.shared.queue.remove_thread();
                }
            }
        }
    }

    /// A function that tells how many jobs wait.
    pub(crate) fn depth(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.queue.depth()
    }

    /// Closes the queue, and waits until the queued jobs have run.
    pub(crate) fn drain(&mut self) {
        self.shared.queue.close();
        for thread in self.threads.drain(..) {
            // The thread catches panics of jobs. If it panicked anyway, there is nothing to wait for.
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

/// The user of jobs that the server runs for itself.
pub(crate) const SYSTEM_USER: UserId = UserId(uuid::Uuid::nil());

/// A job that is never batched.
pub(crate) struct Task {
    user: UserId,
    kind: JobKind,
    deadline: Instant,
    run: Box<dyn FnOnce() -> Outcome + Send>,
}

impl Task {
    /// A job that is passed its deadline. It does not start if it has expired; if it panics, its caller gets an error.
    pub(crate) fn new<T: Send + 'static>(
        user: UserId,
        kind: JobKind,
        reply_to: ReplyTo<T>,
        job: impl FnOnce(Instant) -> (Result<T, RepositoryError>, Outcome) + Send + 'static,
    ) -> Self {
        let deadline = reply_to.deadline();
        let run = move || {
            if reply_to.is_expired() {
                return Outcome::NotStarted;
            }
            let (result, outcome) = catch_panics(|| job(deadline));
            reply_to.send(result);
            outcome
        };
        Self { user, kind, deadline, run: Box::new(run) }
    }

    /// Runs the job and replies.
    pub(crate) fn run(self) -> Outcome {
        (self.run)()
    }
}

impl Job for Task {
    fn user(&self) -> UserId {
        self.user
    }

    fn kind(&self) -> JobKind {
        self.kind
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn can_batch_with(&self, _: &Self) -> bool {
        false
    }
}

/// Runs jobs that are never batched.
pub(crate) fn run_tasks(tasks: Vec<Task>) -> Outcome {
    tasks.into_iter().map(Task::run).last().unwrap_or(Outcome::NotStarted)
}

/// How many processors the process may use.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Turns a panic of `job` into [`Panicked`].
pub(crate) fn catch_panics<T>(
    job: impl FnOnce() -> (Result<T, RepositoryError>, Outcome),
) -> (Result<T, RepositoryError>, Outcome) {
    // Unwind safety: the job only borrows a connection, and the pool drops that after a panic.
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
