//! A database that is stopped, frozen or locked. These tests differ per database, so they are not in `http_contract!`.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use todo_test_support::database::TestDatabase;
use todo_test_support::postgres::{Cluster, ClusterOptions};

use crate::support::{Api, Response, TODOS, database, path_of};

const DETAIL: &str = "The service is temporarily unavailable, try again shortly";

/// Long enough for a busy machine to respond in time while the database is available.
const TIMEOUTS: [(&str, &str); 2] = [("DATABASE_TIMEOUT", "5s"), ("BULK_TIMEOUT", "5s")];

fn expect_unavailable(response: &Response) {
    let body = response.expect_error(503, "SERVICE_UNAVAILABLE", DETAIL);
    assert_eq!(body.as_object().unwrap().len(), 7, "{body}");
    assert_eq!(body["field_errors"], json!([]));
    let seconds: u32 = response.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds));
}

/// Waits until the server is ready again.
fn wait_until_ready(api: &Api) {
    let start = Instant::now();
    while api.anonymous().get("/health/ready").status != 200 {
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", api.server.logs());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_stopped_postgres_causes_503_until_it_is_back() {
    // Acknowledged writes survive the stop.
    let options = ClusterOptions::default().setting("synchronous_commit", "on");
    let Some(mut cluster) = Cluster::start(options) else { return };
    // Every password is accepted.
    let url = cluster.create_database().replace("postgres@", "postgres:geheim@");
    let api = Api::start_at(&url, &TIMEOUTS);
    let ann = api.user();
    let todo = ann.create("Outlives an outage");
    let id = todo["id"].as_str().unwrap();

    cluster.stop_immediate();
    let operations = api.database_operations();
    thread::scope(|scope| {
        for operation in &operations {
            let ann = &ann;
            scope.spawn(move || expect_unavailable(&operation.call(ann, id).send()));
        }
    });
    let start = Instant::now();
    while logged_503s(&api) < operations.len() as u64 {
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", api.server.logs());
        thread::sleep(Duration::from_millis(10));
    }
    expect_unavailable(&api.anonymous().get("/health/ready"));
    api.anonymous().get("/health").expect(200);
    // Errors that need no database do not change.
    ann.get("/api/v1/todos/17").expect_error(400, "VALIDATION_ERROR", "Invalid todo ID format");
    ann.post(&json!({"title": "\0"})).expect_invalid_fields(&["title"]);

    cluster.start_again();
    wait_until_ready(&api);
    assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
    assert!(!api.server.logs().join("").contains("geheim"));
}

/// How many 503s the log reports. Repetitions are only counted.
fn logged_503s(api: &Api) -> u64 {
    let lines = api.server.logs();
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let failures = lines.filter(|line| line["fields"]["status"] == 503);
    failures.map(|line| line["fields"]["repeated"].as_u64().unwrap_or(1)).sum()
}

#[test]
fn a_frozen_postgres_causes_503_while_it_is_frozen() {
    let Some(mut cluster) = Cluster::start(ClusterOptions::default()) else { return };
    let api = Api::start_at(&cluster.create_database(), &TIMEOUTS);
    let ann = api.user();
    let todo = ann.create("Waits");

    cluster.freeze();
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| expect_unavailable(&ann.get(path_of(&todo))));
        }
    });
    api.anonymous().get("/health").expect(200);
    cluster.thaw();
    wait_until_ready(&api);
    assert_eq!(ann.items(TODOS), [todo]);
}

#[test]
fn a_locked_sqlite_database_causes_503_for_writes() {
    let database = TestDatabase::sqlite();
    let api = Api::start_at(database.url(), &TIMEOUTS);
    let ann = api.user();
    let todo = ann.create("Still to be read");

    let mut other = database::open_sqlite(&database);
    other.batch_execute("BEGIN EXCLUSIVE").unwrap();
    expect_unavailable(&ann.post(&json!({"title": "Locked out"})));
    assert_eq!(ann.items(TODOS), [todo]);

    other.batch_execute("ROLLBACK").unwrap();
    wait_until_ready(&api);
    ann.create("Free again");
    // A request answered with 503 may still have been carried out, or may be later.
    let mut titles = ann.titles(TODOS);
    titles.retain(|title| title != "Locked out");
    assert_eq!(titles, ["Free again", "Still to be read"]);
}
