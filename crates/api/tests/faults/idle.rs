//! Database connections that ended while they were idle: no call may fail because of them.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use todo_test_support::postgres::Cluster;

use crate::support::http::{Client, HANG_TIMEOUT};
use crate::support::ledger::{TODOS, new_id};
use crate::support::load::{Load, Plan};
use crate::support::setup::{cluster, name, server};

/// How long after its last use a connection is used without validation.
const BYPASS_WINDOW: Duration = Duration::from_millis(500);

/// A kind of call: its name, method, target and body, and the expected status. `{id}` stands for an existing todo,
/// `{new}` for a new id.
type Kind = (&'static str, &'static str, &'static str, Option<&'static str>, u16);

const CALLS_BY_KIND: [Kind; 12] = [
    ("ready", "GET", "/health/ready", None, 200),
    ("get", "GET", "/api/v1/todos/{id}", None, 200),
    ("list", "GET", "/api/v1/todos", None, 200),
    ("page", "GET", "/api/v1/todos?limit=2&q=todo", None, 200),
    ("stats", "GET", "/api/v1/todos/stats", None, 200),
    ("create", "POST", TODOS, Some(r#"{"title":"new"}"#), 201),
    ("put new", "PUT", "/api/v1/todos/{new}", Some(COMPLETE_TODO), 201),
    ("replace", "PUT", "/api/v1/todos/{id}", Some(COMPLETE_TODO), 200),
    ("update", "PATCH", "/api/v1/todos/{id}", Some(r#"{"is_completed":true}"#), 200),
    ("delete", "DELETE", "/api/v1/todos/{id}", None, 204),
    ("update many", "PATCH", "/api/v1/todos?all=true", Some(r#"{"is_completed":true}"#), 200),
    ("delete many", "DELETE", "/api/v1/todos?all=true", None, 200),
];

const COMPLETE_TODO: &str = r#"{"title":"whole","description":null,"is_completed":true}"#;

#[test]
fn after_a_restart_while_idle_the_next_call_of_every_kind_succeeds() {
    first_calls(|cluster, _| {
        cluster.stop_fast();
        cluster.start_again();
    });
}

#[test]
fn after_a_crash_while_idle_the_next_call_of_every_kind_succeeds() {
    first_calls(|cluster, _| {
        thread::sleep(BYPASS_WINDOW);
        cluster.kill();
        cluster.start_again();
    });
}

#[test]
fn connections_ended_after_a_long_idle_time_fail_no_call() {
    first_calls(|cluster, database| {
        thread::sleep(BYPASS_WINDOW + Duration::from_millis(100));
        assert!(cluster.terminate_idle_connections(database) > 1, "there were connections");
    });
}

#[test]
fn connections_ended_right_after_their_last_use_fail_no_call() {
    first_calls(|cluster, database| {
        assert!(cluster.terminate_idle_connections(database) > 1, "there were connections");
    });
}

/// A call that is being sent at that moment may fail with 503, but it is neither partially executed nor repeated.
#[test]
fn connections_ended_under_load_fail_at_most_one_call_each_and_repeat_none() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server(&url);
    let load = Load::start(server.port(), Plan::mixed(4));
    let mut ended = 0;
    for _ in 0..20 {
        load.wait_for_successes(20, HANG_TIMEOUT);
        ended += cluster.terminate_idle_connections(name(&url));
    }
    load.wait_for_successes(100, HANG_TIMEOUT);
    let report = load.stop();
    report.assert_no_errors().verify(server.port());
    let failed = report.count(503);
    assert!(ended >= 20, "only {ended} connections were ended");
    assert!(failed <= ended as usize, "{failed} calls failed for {ended} connections");
}

/// Tests each kind as the first call after the connections have ended.
fn first_calls(end: impl Fn(&mut Cluster, &str)) {
    let Some(mut cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server(&url);
    for (kind, method, target, body, status) in CALLS_BY_KIND {
        let mut client = Client::new(server.port(), &new_id());
        let todo = client.call("POST", TODOS, Some(&json!({"title": "todo"}))).unwrap().json();
        // Open several connections, so that the next call finds more than one dead connection.
        warm_up(&cluster, &url, server.port());
        client.get("/health/ready").unwrap();

        end(&mut cluster, name(&url));
        let target = target.replace("{id}", todo["id"].as_str().unwrap());
        let target = target.replace("{new}", &new_id());
        let body: Option<Value> = body.map(|it| it.parse().unwrap());
        let response = client.call(method, &target, body.as_ref()).unwrap();
        assert_eq!(response.status, status, "{kind}: {response:?}");
        if kind == "update" || kind == "replace" {
            assert_eq!(response.json()["version"], 2, "{kind} was done once");
        }
    }
}

/// Makes the server open several connections, by blocking its open ones.
fn warm_up(cluster: &Cluster, url: &str, port: u16) {
    let mut lock = cluster.session(name(url));
    lock.run("BEGIN; LOCK TABLE todos");
    let load = Load::start(port, Plan::counters(8));
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'",
        name(url)
    );
    let start = Instant::now();
    while cluster.psql("postgres", &waiting).parse::<usize>().unwrap() < 2 {
        assert!(start.elapsed() < HANG_TIMEOUT, "there is one connection only");
    }
    lock.run("COMMIT");
    load.wait_for_successes(8, HANG_TIMEOUT);
    load.stop().assert_no_errors();
}
