//! What a database tells about the calls of traced requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::DateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use futures_util::future::{join, join_all};
use prometheus_client::registry::Registry;
use todo_domain::{NewTodo, RepositoryError, Title, TodoId, TodoPatch, TodoRepository, UserId};
use todo_infrastructure::traces::{CallEnd, CallTracer, RecordCall};
use todo_infrastructure::{DatabaseOptions, Observers, open_observed, unavailable_cause};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::common::OPTIONS;
use crate::{HANG_TIMEOUT, observers, pool, text, value};

/// What was told about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    pool: &'static str,
    operation: &'static str,
    batch_size: Option<usize>,
    /// How it ended: nothing if it succeeded.
    problem: Option<String>,
}

/// Traces every call while it is on.
#[derive(Default)]
struct Tracer {
    is_on: AtomicBool,
    told: Mutex<Vec<Told>>,
}

impl Tracer {
    fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }
}

fn call_tracer(tracer: &Arc<Tracer>) -> CallTracer {
    let tracer = Arc::clone(tracer);
    Arc::new(move || {
        if !tracer.is_on.load(Ordering::Relaxed) {
            return None;
        }
        let tracer = Arc::clone(&tracer);
        let record: RecordCall = Box::new(move |call| {
            let times = [Some(call.queued), call.started.map(|it| it.0), Some(call.ended)];
            assert!(times.iter().flatten().is_sorted(), "{call:?}");
            let problem = match call.end {
                CallEnd::Succeeded => None,
                CallEnd::Cancelled => Some("cancelled".to_owned()),
                CallEnd::Failed(RepositoryError::Unavailable(source)) => {
                    unavailable_cause(&**source).map(str::to_owned)
                }
                CallEnd::Failed(error) => Some(error.to_string()),
            };
            tracer.told.lock().unwrap().push(Told {
                pool: call.pool,
                operation: call.operation,
                batch_size: call.started.map(|it| it.1),
                problem,
            });
        });
        Some(record)
    })
}

/// A repository with one thread for writes, on a database where they have to wait for a lock.
struct Locked {
    tracer: Arc<Tracer>,
    repository: Arc<dyn TodoRepository>,
    registry: Registry,
    unlock: Box<dyn FnOnce()>,
    pool: &'static str,
    _database: TestDatabase,
}

impl Locked {
    fn new(database: TestDatabase, timeout: Duration) -> Self {
        let tracer = Arc::new(Tracer { is_on: AtomicBool::new(true), ..Tracer::default() });
        let options = DatabaseOptions { pool_size: 1, timeout, ..OPTIONS };
        let mut registry = Registry::default();
        let observers =
            Observers { tracer: Some(call_tracer(&tracer)), ..observers(&mut registry) };
        let url = database.url().parse().unwrap();
        let repository = open_observed(&url, &options, observers).unwrap();
        let (unlock, pool): (Box<dyn FnOnce()>, _) =
            if let Some(path) = database.url().strip_prefix("sqlite://") {
                let mut other = SqliteConnection::establish(path).unwrap();
                other.batch_execute("BEGIN IMMEDIATE").unwrap();
                (Box::new(move || other.batch_execute("ROLLBACK").unwrap()), "sqlite-writer")
            } else {
                let mut other = PgConnection::establish(database.url()).unwrap();
                other.batch_execute("BEGIN; LOCK TABLE todos").unwrap();
                (Box::new(move || other.batch_execute("ROLLBACK").unwrap()), "postgres")
            };
        Self { tracer, repository, registry, unlock, pool, _database: database }
    }

    /// Creates a todo of a user of its own.
    async fn write(&self, number: u128) -> Result<(), RepositoryError> {
        let title = Title::new("Waits").unwrap();
        let todo = NewTodo::new(TodoId(Uuid::from_u128(number)), title, TodoPatch::default());
        let user = UserId(Uuid::from_u128(number));
        self.repository.insert(user, todo, None, DateTime::UNIX_EPOCH).await.map(|_| ())
    }

    /// Waits until so many calls have been started, and so many wait.
    async fn wait_until(&self, started: f64, waiting: f64) {
        let start = Instant::now();
        let is =
            |metric, expected| value(&self.registry, &pool(metric, self.pool)) == Some(expected);
        while !(is("wait_time_seconds_count", started) && is("pending_requests", waiting)) {
            assert!(start.elapsed() < HANG_TIMEOUT, "{}", text(&self.registry));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn told(&self, batch_size: Option<usize>, problem: Option<&str>) -> Told {
        let problem = problem.map(str::to_owned);
        Told { pool: self.pool, operation: "write", batch_size, problem }
    }
}

fn databases() -> impl Iterator<Item = TestDatabase> {
    [Some(TestDatabase::sqlite()), TestDatabase::postgres()].into_iter().flatten()
}

#[tokio::test]
async fn each_call_is_told_with_the_size_of_its_batch() {
    for database in databases() {
        let mut locked = Locked::new(database, OPTIONS.timeout);
        let unlock = std::mem::replace(&mut locked.unlock, Box::new(|| {}));
        let others = async {
            locked.wait_until(1.0, 0.0).await;
            let unlock = async {
                locked.wait_until(1.0, 7.0).await;
                unlock();
            };
            join(join_all((1..8).map(|it| locked.write(it))), unlock).await.0
        };
        let (first, others) = join(locked.write(0), others).await;
        first.unwrap();
        assert!(others.into_iter().all(|it| it.is_ok()));
        let told = locked.tracer.told();
        assert_eq!(told[0], locked.told(Some(1), None), "{told:#?}");
        assert_eq!(told[1..], vec![locked.told(Some(7), None); 7]);
    }
}

#[tokio::test]
async fn a_call_that_fails_or_is_cancelled_in_the_queue_is_told() {
    for database in databases() {
        let mut locked = Locked::new(database, Duration::from_millis(600));
        let unlock = std::mem::replace(&mut locked.unlock, Box::new(|| {}));
        let others = async {
            locked.wait_until(1.0, 0.0).await;
            let cancelled = tokio::time::timeout(Duration::from_millis(10), locked.write(1));
            assert!(cancelled.await.is_err());
            locked.write(2).await.unwrap_err();
        };
        let (first, ()) = join(locked.write(0), others).await;
        first.unwrap_err();
        unlock();
        let told = locked.tracer.told();
        assert_eq!(told.len(), 3, "{told:#?}");
        assert_eq!(told[0], locked.told(None, Some("cancelled")));
        // By the statement or by the deadline of its caller, whichever was first.
        assert_eq!(told[1].batch_size, Some(1), "{told:#?}");
        assert!(told[1].problem.is_some(), "{told:#?}");
        assert!(told[2].problem.is_some(), "{told:#?}");
    }
}

#[tokio::test]
async fn a_call_of_a_request_that_is_not_traced_is_not_told() {
    for database in databases() {
        let locked = Locked::new(database, OPTIONS.timeout);
        locked.tracer.is_on.store(false, Ordering::Relaxed);
        let Locked { tracer, repository, unlock, .. } = locked;
        unlock();
        repository.find(UserId(Uuid::nil()), TodoId(Uuid::nil())).await.unwrap();
        assert_eq!(tracer.told(), Vec::new());
    }
}
