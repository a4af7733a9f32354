use std::sync::mpsc;

use super::*;

/// Only ends a hang: a busy machine takes long to print a backtrace.
const AMPLE: Duration = Duration::from_secs(60);

const SHORT: Duration = Duration::from_millis(100);

fn workers(threads: usize, capacity: usize) -> Workers<Task> {
    let limits = Limits::for_pool(threads, capacity);
    Workers::start("test", QueueOptions { threads, batching_threshold: 1, limits }, run_tasks)
        .unwrap()
}

async fn run<T: Send + 'static>(
    workers: &Workers<Task>,
    user: u128,
    timeout: Duration,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RepositoryError> {
    let job = move |deadline| {
        let result = job();
        let is_late = Instant::now() >= deadline;
        (Ok(result), if is_late { Outcome::MissedDeadline } else { Outcome::InTime })
    };
    let user = UserId(uuid::Uuid::from_u128(user));
    workers.call(timeout, |reply_to| Task::new(user, JobKind::Read, reply_to, job)).await
}

#[tokio::test]
async fn a_job_replies_to_its_caller() {
    assert_eq!(run(&workers(1, 1), 1, AMPLE, || 7).await.unwrap(), 7);
}

#[tokio::test]
async fn a_panic_is_an_error_of_its_own_job_and_the_thread_survives() {
    let workers = workers(1, 1);
    let error = run::<()>(&workers, 1, AMPLE, || panic!("oh no")).await.unwrap_err();
    assert!(
        matches!(error, RepositoryError::Internal(source) if source.to_string().contains("oh no"))
    );
    assert_eq!(run(&workers, 1, AMPLE, || 7).await.unwrap(), 7);
}

#[tokio::test]
async fn a_job_that_has_not_started_by_its_deadline_never_starts() {
    let workers = workers(1, 10);
    let (release, stuck) = mpsc::channel::<()>();
    let slow = run(&workers, 1, SHORT, move || {
        let _ = stuck.recv_timeout(AMPLE);
    });
    let (started, was_started) = mpsc::channel();
    let queued = run(&workers, 2, SHORT, move || started.send(()).unwrap());
    let (slow, queued) = tokio::join!(slow, queued);
    drop(release);
    assert!(matches!(slow, Err(RepositoryError::Unavailable(_))));
    assert!(matches!(queued, Err(RepositoryError::Unavailable(_))));
    drop(workers);
    assert!(was_started.recv().is_err(), "the job was dropped without being run");
}

#[tokio::test]
async fn a_job_behind_a_stuck_one_runs_on_another_thread() {
    let workers = workers(2, 10);
    for tenth_millis in 0..20 {
        let (release, stuck) = mpsc::channel::<()>();
        let short = run(&workers, 1, AMPLE, move || {
            thread::sleep(Duration::from_micros(100 * tenth_millis));
        });
        let stuck = run(&workers, 2, AMPLE, move || stuck.recv_timeout(AMPLE / 2));
        let behind = async {
            run(&workers, 3, AMPLE, || ()).await.unwrap();
            drop(release);
        };
        let (short, stuck, ()) = tokio::join!(short, stuck, behind);
        short.unwrap();
        // It was released, and did not time out.
        assert_eq!(stuck.unwrap(), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}

#[tokio::test]
async fn a_stuck_thread_is_replaced() {
    let workers = workers(1, 10);
    let (release, stuck) = mpsc::channel::<()>();
    let abandoned = run(&workers, 1, SHORT, move || {
        let _ = stuck.recv_timeout(AMPLE);
    });
    assert!(abandoned.await.is_err());
    // Until it is replaced, no job runs.
    let others = async { while run(&workers, 2, SHORT, || ()).await.is_err() {} };
    tokio::time::timeout(AMPLE / 2, others).await.unwrap();
    drop(release);
}

#[tokio::test]
async fn a_full_queue_rejects_jobs_at_once() {
    let workers = workers(0, 1);
    let first = run(&workers, 1, AMPLE, || ());
    let second = run(&workers, 2, AMPLE, || ());
    let second = tokio::select! {
        biased;
        _ = first => panic!("there is no thread that could run it"),
        second = second => second,
    };
    assert!(matches!(second, Err(RepositoryError::Unavailable(_))));
}
