//! A database that is away, frozen or locked: each database in its own way, so these tests are not stamped.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use todo_test_support::database::TestDatabase;
use todo_test_support::postgres::{Cluster, ClusterOptions};

use crate::support::{Answer, Api, TODOS, database, path_of};

const DETAIL: &str = "The service is temporarily unavailable, try again shortly";

/// So long that a busy machine answers in time when the database is well.
const TIMEOUTS: [(&str, &str); 2] = [("DATABASE_TIMEOUT", "5s"), ("BULK_TIMEOUT", "5s")];

fn unavailable(answer: &Answer) {
    let body = answer.refused(503, "SERVICE_UNAVAILABLE", DETAIL);
    assert_eq!(body.as_object().unwrap().len(), 7, "{body}");
    assert_eq!(body["field_errors"], json!([]));
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds));
}

/// Waits until a server is well again.
fn recovered(api: &Api) {
    let start = Instant::now();
    while api.nobody().get("/health/ready").status != 200 {
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", api.server.logs());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_stopped_postgres_is_a_503_until_it_is_back() {
    // What was acknowledged is there after the stop.
    let options = ClusterOptions::default().setting("synchronous_commit", "on");
    let Some(mut cluster) = Cluster::start(options) else { return };
    // Everybody is let in, whatever the password.
    let url = cluster.create_database().replace("postgres@", "postgres:geheim@");
    let api = Api::start_at(&url, &TIMEOUTS);
    let ann = api.user();
    let todo = ann.create("Outlives an outage");
    let id = todo["id"].as_str().unwrap();

    cluster.stop_immediate();
    let operations = api.operations_of_users();
    thread::scope(|scope| {
        for operation in &operations {
            let ann = &ann;
            scope.spawn(move || unavailable(&operation.call(ann, id).send()));
        }
    });
    let start = Instant::now();
    while refusals_logged(&api) < operations.len() as u64 {
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", api.server.logs());
        thread::sleep(Duration::from_millis(10));
    }
    unavailable(&api.nobody().get("/health/ready"));
    api.nobody().get("/health").expect(200);
    // What needs no database is refused as ever.
    ann.get("/api/v1/todos/17").refused(400, "VALIDATION_ERROR", "Invalid todo ID format");
    ann.post(&json!({"title": "\0"})).bad_fields(&["title"]);

    cluster.start_again();
    recovered(&api);
    assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
    assert!(!api.server.logs().join("").contains("geheim"));
}

/// How many refusals the log tells of: those that are like one before are only counted.
fn refusals_logged(api: &Api) -> u64 {
    let lines = api.server.logs();
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let refusals = lines.filter(|line| line["fields"]["status"] == 503);
    refusals.map(|line| line["fields"]["repeated"].as_u64().unwrap_or(1)).sum()
}

#[test]
fn a_frozen_postgres_is_a_503_while_it_is_frozen() {
    let Some(mut cluster) = Cluster::start(ClusterOptions::default()) else { return };
    let api = Api::start_at(&cluster.create_database(), &TIMEOUTS);
    let ann = api.user();
    let todo = ann.create("Waits");

    cluster.freeze();
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| unavailable(&ann.get(path_of(&todo))));
        }
    });
    api.nobody().get("/health").expect(200);
    cluster.thaw();
    recovered(&api);
    assert_eq!(ann.items(TODOS), [todo]);
}

#[test]
fn a_locked_sqlite_is_a_503_for_writers_while_it_is_locked() {
    let database = TestDatabase::sqlite();
    let api = Api::start_at(database.url(), &TIMEOUTS);
    let ann = api.user();
    let todo = ann.create("Still to be read");

    let mut other = database::open_sqlite(&database);
    other.batch_execute("BEGIN EXCLUSIVE").unwrap();
    unavailable(&ann.post(&json!({"title": "Locked out"})));
    assert_eq!(ann.items(TODOS), [todo]);

    other.batch_execute("ROLLBACK").unwrap();
    recovered(&api);
    ann.create("Free again");
    // A 503 does not tell whether what was asked for has been done or may yet be.
    let mut titles = ann.titles(TODOS);
    titles.retain(|title| title != "Locked out");
    assert_eq!(titles, ["Free again", "Still to be read"]);
}
