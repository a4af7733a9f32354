//! What a database tells about its queues and connections.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use chrono::DateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use futures_util::future::join_all;
use prometheus_client::registry::Registry;
use todo_domain::{NewTodo, Title, TodoId, TodoPatch, UserId};
use todo_infrastructure::open_observed;
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::common::OPTIONS;
use crate::{HANG_TIMEOUT, observers, pool, text, value, wait_for};

#[tokio::test]
async fn queued_writes_are_seen_waiting_and_then_as_one_batch() {
    let database = TestDatabase::sqlite();
    let mut registry = Registry::default();
    let url = database.url().parse().unwrap();
    let repository = open_observed(&url, &OPTIONS, observers(&mut registry)).unwrap();
    let path = database.url().trim_start_matches("sqlite://");
    let mut other = SqliteConnection::establish(path).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let write = |number| {
        let title = Title::new("Waits").unwrap();
        let todo = NewTodo::new(TodoId(Uuid::from_u128(number)), title, TodoPatch::default());
        let user = UserId(Uuid::from_u128(number));
        repository.insert(user, todo, None, DateTime::UNIX_EPOCH)
    };
    let registry = Arc::new(registry);
    let waits = pool("wait_time_seconds_count", "sqlite-writer");
    let pending = pool("pending_requests", "sqlite-writer");
    let unlock = {
        let (registry, pending) = (Arc::clone(&registry), pending.clone());
        thread::spawn(move || {
            wait_for(&registry, &pending, 19.0);
            other.batch_execute("ROLLBACK").unwrap();
        })
    };
    let others = async {
        // Once the first is being written, the others have to wait.
        while value(&registry, &waits) != Some(1.0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        join_all((1..20).map(write)).await
    };
    let (first, others) = futures_util::future::join(write(0), others).await;
    first.unwrap();
    for result in others {
        result.unwrap();
    }
    unlock.join().unwrap();
    let of_writes = |metric| {
        format!(
            "db_client_operation_{metric}{{db_system_name=\"sqlite\",db_operation_name=\"write\"}}"
        )
    };
    wait_for(&registry, &of_writes("batch_size_sum"), 20.0);
    assert_eq!(value(&registry, &of_writes("batch_size_count")), Some(2.0));
    assert!(value(&registry, &of_writes("duration_seconds_sum")).unwrap() > 0.0);
    assert_eq!(value(&registry, &waits), Some(20.0));
    assert_eq!(value(&registry, &pending), Some(0.0));
}

#[tokio::test]
async fn a_registry_does_not_keep_a_database_open() {
    for database in [Some(TestDatabase::sqlite()), TestDatabase::postgres()].into_iter().flatten() {
        let mut registry = Registry::default();
        let url = database.url().parse().unwrap();
        let repository = open_observed(&url, &OPTIONS, observers(&mut registry)).unwrap();
        repository.find(UserId(Uuid::nil()), TodoId(Uuid::nil())).await.unwrap();
        assert!(text(&registry).contains("db_client_connections{"), "{}", text(&registry));
        drop(repository);
        let closed = text(&registry);
        assert!(!closed.contains("db_client_connections{"), "{closed}");
        if let Some(path) = database.url().strip_prefix("sqlite://") {
            // SQLite removes it when the last connection is closed.
            let start = Instant::now();
            while Path::new(&format!("{path}-wal")).exists() {
                assert!(start.elapsed() < HANG_TIMEOUT, "the write-ahead log is still there");
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
}
