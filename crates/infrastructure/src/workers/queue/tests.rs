use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;
use std::time::Duration;

use todo_domain::UserId;

use super::*;
use crate::workers::JobKind;

const AMPLE: Duration = Duration::from_secs(60);

/// A job that adds a number to a sum.
struct Add {
    user: UserId,
    kind: JobKind,
    number: u64,
}

impl Job for Add {
    fn user(&self) -> UserId {
        self.user
    }

    fn kind(&self) -> JobKind {
        self.kind
    }

    fn deadline(&self) -> Instant {
        Instant::now() + AMPLE
    }

    fn can_batch_with(&self, _: &Self) -> bool {
        true
    }
}

fn add(user: u128, kind: JobKind, number: u64) -> Add {
    Add { user: UserId(uuid::Uuid::from_u128(user)), kind, number }
}

fn queue(threads: usize, max_batch: usize) -> Queue<Add> {
    let limits = Limits { max_batch, ..Limits::for_pool(threads, 100_000) };
    Queue::new(QueueOptions { threads, batching_threshold: 1, limits }, None)
}

#[test]
fn threads_run_every_job_once_and_end_when_the_queue_is_closed() {
    let queue = Arc::new(queue(8, 5));
    let total = Arc::new(AtomicU64::new(0));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (queue, total) = (Arc::clone(&queue), Arc::clone(&total));
            thread::spawn(move || {
                queue.work(|jobs| {
                    total.fetch_add(jobs.iter().map(|job| job.number).sum(), SeqCst);
                    Outcome::InTime
                });
            })
        })
        .collect();
    let kinds = [JobKind::Lookup, JobKind::Read, JobKind::Write, JobKind::Bulk];
    for (number, kind) in (1..=10_000).zip(kinds.into_iter().cycle()) {
        queue.push(add(u128::from(number % 7), kind, number), None).unwrap();
    }
    queue.close();
    assert!(queue.push(add(1, JobKind::Read, 1), None).is_err());
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(total.load(SeqCst), 50_005_000);
}

/// Runs `test` on a queue with two threads, of which one is stuck in the first job.
fn with_one_stuck_thread(test: impl FnOnce(&Queue<Add>, &mpsc::Receiver<u64>)) {
    let queue = queue(2, 10);
    let (done, finished) = mpsc::channel();
    let (release, stuck) = mpsc::channel::<()>();
    let stuck = Mutex::new(stuck);
    thread::scope(|scope| {
        for _ in 0..2 {
            let (queue, stuck, done) = (&queue, &stuck, done.clone());
            scope.spawn(move || {
                queue.work(|jobs| {
                    for job in jobs {
                        if job.number == 0 {
                            let _ = stuck.lock().unwrap().recv_timeout(AMPLE);
                        }
                        done.send(job.number).unwrap();
                    }
                    Outcome::InTime
                });
            });
        }
        queue.push(add(1, JobKind::Lookup, 0), None).unwrap();
        while queue.lock().schedule.busy() < 1 {
            thread::yield_now();
        }
        while queue.lock().parked.is_empty() {
            thread::yield_now();
        }
        test(&queue, &finished);
        drop(release);
        queue.close();
    });
}

#[test]
fn lookups_wait_for_a_batch_until_one_is_delayed() {
    with_one_stuck_thread(|queue, finished| {
        for number in 1..=3 {
            queue.push(add(2, JobKind::Lookup, number), None).unwrap();
        }
        assert_eq!(queue.lock().parked.len(), 1, "no thread was woken");
        queue.wake_for_delayed_jobs();
        let done: Vec<_> = (0..3).map(|_| finished.recv_timeout(AMPLE).unwrap()).collect();
        assert_eq!(done, [1, 2, 3]);
    });
}

#[test]
fn more_lookups_than_fit_into_a_batch_wake_another_thread() {
    with_one_stuck_thread(|queue, finished| {
        for number in 1..=11 {
            // Each of another user: a user is queued only once.
            queue.push(add(u128::from(number) + 1, JobKind::Lookup, number), None).unwrap();
        }
        assert_eq!(finished.recv_timeout(AMPLE), Ok(1));
    });
}

#[test]
fn any_other_job_wakes_a_thread_at_once() {
    for kind in [JobKind::Read, JobKind::Write, JobKind::Bulk] {
        with_one_stuck_thread(|queue, finished| {
            queue.push(add(2, kind, 1), None).unwrap();
            assert_eq!(finished.recv_timeout(AMPLE), Ok(1));
        });
    }
}
