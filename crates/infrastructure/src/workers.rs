//! The threads that wait for the database, so that no thread of the web server has to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use todo_domain::RepositoryError;

use crate::queue::Queue;
use crate::reply::reply;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads behind one bounded queue. Dropping it lets the queued jobs be done, and the
/// threads go.
pub(crate) struct Workers {
    queue: Arc<Queue<Job>>,
    timeout: Duration,
}

/// A job panicked. The text says where; it goes to the log, never to a client.
#[derive(Debug, thiserror::Error)]
#[error("a database job panicked: {0}")]
pub(crate) struct Panicked(pub(crate) String);

impl Workers {
    /// Starts `threads` threads; at most `queue_capacity` jobs wait for them, each for at most `timeout`. While jobs
    /// are quick, only `threads_per_processor` are used for each processor.
    ///
    /// # Errors
    /// When the operating system grants no more threads.
    pub(crate) fn start(
        name: &str,
        threads: u32,
        threads_per_processor: usize,
        queue_capacity: usize,
        timeout: Duration,
    ) -> std::io::Result<Self> {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let few = processors * threads_per_processor;
        let queue = Arc::new(Queue::<Job>::new(queue_capacity, threads as usize, few));
        for number in 1..=threads {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name(format!("{name}-{number}")).spawn(move || {
                queue.work(|job| job());
            })?;
        }
        Ok(Self { queue, timeout })
    }

    /// Has a thread do the job, which is told its deadline, and waits for the result, but not for longer than
    /// the timeout. A job that nobody waits for any more is not started; a panic is an error of this job only.
    pub(crate) async fn run<T, F>(&self, job: F) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: FnOnce(Instant) -> Result<T, RepositoryError> + Send + 'static,
    {
        let (reply_to, reply) = reply(self.timeout);
        let job = Box::new(move || {
            if !reply_to.is_moot() {
                let deadline = reply_to.deadline();
                reply_to.send(catching_panics(|| job(deadline)));
            }
        });
        self.queue.push(job).map_err(RepositoryError::unavailable)?;
        reply.wait(|| self.queue.nudge()).await
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.close();
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

    fn workers(threads: u32, queue_capacity: usize, timeout: Duration) -> Workers {
        Workers::start("test", threads, 1, queue_capacity, timeout).unwrap()
    }

    #[tokio::test]
    async fn a_job_answers_its_caller() {
        assert_eq!(workers(1, 1, AMPLE).run(|_| Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_own_job_and_the_thread_lives_on() {
        let workers = workers(1, 1, AMPLE);
        let error = workers.run::<(), _>(|_| panic!("oh no")).await.unwrap_err();
        assert!(
            matches!(error, RepositoryError::Internal(source) if source.to_string().contains("oh no"))
        );
        assert_eq!(workers.run(|_| Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_caller_waits_no_longer_than_the_timeout_and_what_was_not_started_never_is() {
        let workers = workers(1, 10, SHORT);
        let (release, stuck) = std::sync::mpsc::channel::<()>();
        let slow = workers.run(move |_| {
            let _ = stuck.recv_timeout(AMPLE);
            Ok(())
        });
        let (started, was_started) = std::sync::mpsc::channel();
        let queued = workers.run(move |_| {
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
        let queue = Arc::new(Queue::<Job>::new(10, 2, 1));
        for _ in 0..2 {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.work(|job| job()));
        }
        let workers = Workers { queue, timeout: AMPLE };
        for tenth_millis in 0..20 {
            let (release, stuck) = std::sync::mpsc::channel::<()>();
            let short = workers.run(move |_| {
                thread::sleep(Duration::from_micros(100 * tenth_millis));
                Ok(())
            });
            let stuck = workers.run(move |_| {
                let _ = stuck.recv_timeout(AMPLE / 2);
                Ok(())
            });
            let behind = async {
                workers.run(|_| Ok(())).await.unwrap();
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
        let first = workers.run(|_| Ok(()));
        let second = workers.run(|_| Ok(()));
        let second = tokio::select! {
            biased;
            _ = first => panic!("there is no thread that could run it"),
            second = second => second,
        };
        assert!(matches!(second, Err(RepositoryError::Unavailable(_))));
    }
}
