//! Connections that died while nobody used them: no caller may notice.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use todo_test_support::postgres::Cluster;

use crate::support::http::{Client, HANGS};
use crate::support::ledger::{TODOS, new_id};
use crate::support::load::{Load, Plan};
use crate::support::setup::{cluster, name, server};

/// For so long a connection is trusted without being asked.
const BYPASS_WINDOW: Duration = Duration::from_millis(500);

/// A kind of call: its name, method, where and with what; and the status that it is to have. `{id}` stands for a
/// todo that there is, `{new}` for one that there is not.
type Kind = (&'static str, &'static str, &'static str, Option<&'static str>, u16);

const KINDS: [Kind; 12] = [
    ("ready", "GET", "/health/ready", None, 200),
    ("get", "GET", "/api/v1/todos/{id}", None, 200),
    ("list", "GET", "/api/v1/todos", None, 200),
    ("page", "GET", "/api/v1/todos?limit=2&q=todo", None, 200),
    ("stats", "GET", "/api/v1/todos/stats", None, 200),
    ("create", "POST", TODOS, Some(r#"{"title":"new"}"#), 201),
    ("put new", "PUT", "/api/v1/todos/{new}", Some(WHOLE), 201),
    ("replace", "PUT", "/api/v1/todos/{id}", Some(WHOLE), 200),
    ("update", "PATCH", "/api/v1/todos/{id}", Some(r#"{"is_completed":true}"#), 200),
    ("delete", "DELETE", "/api/v1/todos/{id}", None, 204),
    ("update many", "PATCH", "/api/v1/todos?all=true", Some(r#"{"is_completed":true}"#), 200),
    ("delete many", "DELETE", "/api/v1/todos?all=true", None, 200),
];

const WHOLE: &str = r#"{"title":"whole","description":null,"is_completed":true}"#;

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
fn connections_ended_after_a_long_idle_time_are_noticed_by_no_kind_of_call() {
    first_calls(|cluster, database| {
        thread::sleep(BYPASS_WINDOW + Duration::from_millis(100));
        assert!(cluster.terminate_idle_connections(database) > 1, "there were connections");
    });
}

#[test]
fn connections_ended_right_after_their_last_use_are_noticed_by_no_kind_of_call() {
    first_calls(|cluster, database| {
        assert!(cluster.terminate_idle_connections(database) > 1, "there were connections");
    });
}

/// A call that is on its way at that moment may be refused; it is not done by halves, nor twice.
#[test]
fn connections_ended_in_the_middle_of_a_load_refuse_one_call_each_at_most_and_nothing_is_done_twice()
 {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server(&url);
    let load = Load::start(server.port(), Plan::mixed(4));
    let mut ended = 0;
    for _ in 0..20 {
        load.wait_for_good(20, HANGS);
        ended += cluster.terminate_idle_connections(name(&url));
    }
    load.wait_for_good(100, HANGS);
    let report = load.stop();
    report.expect_no_flaws().verify(server.port());
    let refused = report.count(503);
    assert!(ended >= 20, "only {ended} connections were ended");
    assert!(refused <= ended as usize, "{refused} calls were refused for {ended} connections");
}

/// Tries each kind as the first call after the connections were ended.
fn first_calls(end: impl Fn(&mut Cluster, &str)) {
    let Some(mut cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server(&url);
    for (kind, method, target, body, status) in KINDS {
        let mut client = Client::new(server.port(), &new_id());
        let todo = client.call("POST", TODOS, Some(&json!({"title": "todo"}))).unwrap().json();
        // All connections of the pool, so that the next call finds more than one that is dead.
        warm_up(&cluster, &url, server.port());
        client.get("/health/ready").unwrap();

        end(&mut cluster, name(&url));
        let target = target.replace("{id}", todo["id"].as_str().unwrap());
        let target = target.replace("{new}", &new_id());
        let body: Option<Value> = body.map(|it| it.parse().unwrap());
        let answer = client.call(method, &target, body.as_ref()).unwrap();
        assert_eq!(answer.status, status, "{kind}: {answer:?}");
        if kind == "update" || kind == "replace" {
            assert_eq!(answer.json()["version"], 2, "{kind} was done once");
        }
    }
}

/// Has the server open several connections, by holding up those that it has.
fn warm_up(cluster: &Cluster, url: &str, port: u16) {
    let mut lock = cluster.session(name(url));
    lock.run("BEGIN; LOCK TABLE todos");
    let load = Load::start(port, Plan::counters(8));
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'",
        name(url)
    );
    let begun = Instant::now();
    while cluster.psql("postgres", &waiting).parse::<usize>().unwrap() < 2 {
        assert!(begun.elapsed() < HANGS, "there is one connection only");
    }
    lock.run("COMMIT");
    load.wait_for_good(8, HANGS);
    load.stop().expect_no_flaws();
}
