//! The threads that wait for the database, so that no thread of the web server has to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use todo_domain::RepositoryError;

use crate::queue::{Job, Queue, QueueOptions};
use crate::reply::{ReplyTo, reply};

/// A job that is done by itself.
pub(crate) type Alone = Box<dyn FnOnce() + Send>;

impl Job for Alone {
    fn joins(&self, _: &Self) -> bool {
        false
    }

    fn may_wait(&self) -> bool {
        false
    }
}

/// A fixed number of threads behind one bounded queue. Dropping it lets the queued jobs be done, and the
/// threads go.
pub(crate) struct Workers<J: Job = Alone> {
    queue: Arc<Queue<J>>,
    timeout: Duration,
}

/// A job panicked. The text says where; it goes to the log, never to a client.
#[derive(Debug, thiserror::Error)]
#[error("a database job panicked: {0}")]
pub(crate) struct Panicked(pub(crate) String);

impl<J: Job + Send + 'static> Workers<J> {
    /// Starts the threads, which `work` on jobs that can be done together. A job waits for at most `timeout`.
    ///
    /// # Errors
    /// When the operating system grants no more threads.
    pub(crate) fn start(
        name: &str,
        options: QueueOptions,
        timeout: Duration,
        work: impl Fn(Vec<J>) + Clone + Send + 'static,
    ) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::new(options));
        for number in 1..=options.threads {
            let (queue, work) = (Arc::clone(&queue), work.clone());
            let thread = thread::Builder::new().name(format!("{name}-{number}"));
            thread.spawn(move || queue.work(work))?;
        }
        Ok(Self { queue, timeout })
    }

    /// Has a thread do the job, and waits for what it replies, but not for longer than the timeout.
    pub(crate) async fn call<T>(
        &self,
        job: impl FnOnce(ReplyTo<T>) -> J,
    ) -> Result<T, RepositoryError> {
        let (reply_to, reply) = reply(self.timeout);
        self.queue.push(job(reply_to)).map_err(RepositoryError::unavailable)?;
        reply.wait(|| self.queue.nudge()).await
    }

    /// The same for a job that is done by itself and is told its deadline. One that nobody waits for any more is not
    /// started; a panic is an error of this job only.
    pub(crate) async fn run<T, F>(
        &self,
        kind: impl FnOnce(Alone) -> J,
        job: F,
    ) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: FnOnce(Instant) -> Result<T, RepositoryError> + Send + 'static,
    {
        self.call(|reply_to| {
            kind(Box::new(move || {
                if !reply_to.is_moot() {
                    let deadline = reply_to.deadline();
                    reply_to.send(catching_panics(|| job(deadline)));
                }
            }))
        })
        .await
    }
}

impl<J: Job> Drop for Workers<J> {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// How many threads keep the processors busy if so many do for each.
pub(crate) fn for_each_processor(threads: usize) -> usize {
    threads * thread::available_parallelism().map_or(1, usize::from)
}

/// Does jobs that are done by themselves.
pub(crate) fn one_by_one(jobs: Vec<Alone>) {
    for job in jobs {
        job();
    }
}

/// Turns a panic of `job` into an error.
pub(crate) fn catching_panics<T>(
    job: impl FnOnce() -> Result<T, RepositoryError>,
) -> Result<T, RepositoryError> {
    // What the job borrows is its connection, which its pool drops after a panic.
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(RepositoryError::internal(Panicked(text)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A loaded machine needs long to print the trace of a panic.
    const AMPLE: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(100);

    fn options(threads: usize, capacity: usize) -> QueueOptions {
        QueueOptions { capacity, threads, few: 1, fewest: 1, together: 1 }
    }

    fn workers(threads: usize, queue_capacity: usize, timeout: Duration) -> Workers {
        Workers::start("test", options(threads, queue_capacity), timeout, one_by_one).unwrap()
    }

    async fn run<T: Send + 'static>(
        workers: &Workers,
        job: impl FnOnce(Instant) -> Result<T, RepositoryError> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        workers.run(|job| job, job).await
    }

    #[tokio::test]
    async fn a_job_answers_its_caller() {
        assert_eq!(run(&workers(1, 1, AMPLE), |_| Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_own_job_and_the_thread_lives_on() {
        let workers = workers(1, 1, AMPLE);
        let error = run::<()>(&workers, |_| panic!("oh no")).await.unwrap_err();
        assert!(
            matches!(error, RepositoryError::Internal(source) if source.to_string().contains("oh no"))
        );
        assert_eq!(run(&workers, |_| Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_caller_waits_no_longer_than_the_timeout_and_what_was_not_started_never_is() {
        let workers = workers(1, 10, SHORT);
        let (release, stuck) = std::sync::mpsc::channel::<()>();
        let slow = run(&workers, move |_| {
            let _ = stuck.recv_timeout(AMPLE);
            Ok(())
        });
        let (started, was_started) = std::sync::mpsc::channel();
        let queued = run(&workers, move |_| {
            started.send(()).unwrap();
            Ok(())
        });
        let (slow, queued) = tokio::join!(slow, queued);
        drop(release);
        assert!(matches!(slow, Err(RepositoryError::Unavailable(_))));
        assert!(matches!(queued, Err(RepositoryError::Unavailable(_))));
        drop(workers);
        assert!(was_started.recv().is_err(), "the job was dropped without being run");
    }

    #[tokio::test]
    async fn a_job_behind_one_that_gets_stuck_is_helped_whenever_that_happens() {
        let queue = Arc::new(Queue::<Alone>::new(options(2, 10)));
        for _ in 0..2 {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.work(one_by_one));
        }
        let workers = Workers { queue, timeout: AMPLE };
        for tenth_millis in 0..20 {
            let (release, stuck) = std::sync::mpsc::channel::<()>();
            let short = run(&workers, move |_| {
                thread::sleep(Duration::from_micros(100 * tenth_millis));
                Ok(())
            });
            let stuck = run(&workers, move |_| {
                let _ = stuck.recv_timeout(AMPLE / 2);
                Ok(())
            });
            let behind = async {
                run(&workers, |_| Ok(())).await.unwrap();
                drop(release);
            };
            let begun = Instant::now();
            let (short, stuck, ()) = tokio::join!(short, stuck, behind);
            assert!(short.is_ok() && stuck.is_ok());
            assert!(
                begun.elapsed() < AMPLE / 2,
                "it was helped only when nothing was stuck any more"
            );
        }
    }

    #[tokio::test]
    async fn a_full_queue_is_unavailable_at_once() {
        let workers = workers(0, 1, AMPLE);
        let first = run(&workers, |_| Ok(()));
        let second = run(&workers, |_| Ok(()));
        let second = tokio::select! {
            biased;
            _ = first => panic!("there is no thread that could run it"),
            second = second => second,
        };
        assert!(matches!(second, Err(RepositoryError::Unavailable(_))));
    }
}
