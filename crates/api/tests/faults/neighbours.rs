//! One user who sends slow calls delays only himself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::{Value, json};
use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::http::Client;
use crate::support::ledger::{TODOS, new_id};
use crate::support::load::{Load, Plan};
use crate::support::setup::{cluster, server_with};

/// So long that nobody is refused because the machine is busy. Who waits behind a call that hangs, waits as long.
const PATIENT: (&str, &str) = ("DATABASE_TIMEOUT", "20s");

/// Only to end a test that hangs.
const HANGS: Duration = Duration::from_secs(60);

const BAD_CLIENTS: usize = 16;
const GOOD_CLIENTS: usize = 8;

fn call(port: u16, user: &str, method: &str, target: &str, body: Option<&Value>) -> u16 {
    Client::new(port, user).call(method, target, body).map_or(0, |answer| answer.status)
}

/// Has others call while many clients of one user do, until `end`.
fn expect_no_refusals_beside(
    server: &Server,
    bad: impl Fn(&AtomicBool) + Sync,
    end: impl FnOnce(),
) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..BAD_CLIENTS {
            scope.spawn(|| bad(&done));
        }
        let load = Load::start(server.port(), Plan::mixed(GOOD_CLIENTS));
        load.wait_for_good(500, HANGS);
        let report = load.stop();
        done.store(true, Ordering::Relaxed);
        end();
        report.expect_no_flaws();
        assert_eq!(report.count(503), 0);
        report.verify(server.port());
    });
}

#[test]
fn a_user_whose_row_is_locked_delays_nobody_else() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server_with(&url, &[PATIENT]);
    let user = new_id();
    let target = format!("{TODOS}/{}", new_id());
    let todo = json!({"title": "locked", "description": null, "is_completed": false});
    assert_eq!(call(server.port(), &user, "PUT", &target, Some(&todo)), 201);
    let mut other = cluster.session(url.rsplit('/').next().unwrap());
    other.run("BEGIN; SELECT FROM todos FOR UPDATE");
    let patch = json!({"is_completed": true});
    let bad = |done: &AtomicBool| {
        while !done.load(Ordering::Relaxed) {
            call(server.port(), &user, "PATCH", &target, Some(&patch));
        }
    };
    expect_no_refusals_beside(&server, bad, || drop(other));
}

#[test]
fn the_server_is_ready_while_every_thread_waits_for_users_locks() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server_with(&url, &[PATIENT, ("DATABASE_POOL_SIZE", "2")]);
    let users = [new_id(), new_id()];
    for user in &users {
        assert_eq!(call(server.port(), user, "POST", TODOS, Some(&json!({"title": "one"}))), 201);
    }
    let mut other = cluster.session(url.rsplit('/').next().unwrap());
    other.run("BEGIN; SELECT FROM todos FOR UPDATE");
    thread::scope(|scope| {
        for user in &users {
            let (port, clear) = (server.port(), format!("{TODOS}/{}", only_id(&server, user)));
            scope.spawn(move || call(port, user, "DELETE", &clear, None));
        }
        let waiting = "SELECT count(*) FROM pg_stat_activity \
            WHERE wait_event_type = 'Lock' AND application_name = 'todo-api'";
        while cluster.psql("postgres", waiting) != "2" {
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(call(server.port(), &users[0], "GET", "/health/ready", None), 200);
        other.run("ROLLBACK");
    });
}

fn only_id(server: &Server, user: &str) -> String {
    let list = Client::new(server.port(), user).get(TODOS).unwrap().json();
    list["items"][0]["id"].as_str().unwrap().to_owned()
}

/// So many todos of one user in a SQLite file.
fn fill(database: &TestDatabase, user: &str, count: u32) {
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let user = user.replace('-', "");
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO todos SELECT unhex('{user}'), unhex(printf('%032x', i)), 'title', 'n', 0, \
             i, i, 1, 'title', 'n' FROM n"
    );
    let mut connection = SqliteConnection::establish(path).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 60000").unwrap();
    connection.batch_execute(&fill).unwrap();
}

#[test]
fn a_user_who_changes_many_todos_on_sqlite_delays_nobody_for_long() {
    let database = TestDatabase::sqlite();
    let server = server_with(database.url(), &[PATIENT]);
    let user = new_id();
    fill(&database, &user, 20_000);
    let bad = |done: &AtomicBool| {
        for is_completed in [true, false].into_iter().cycle() {
            if done.load(Ordering::Relaxed) {
                return;
            }
            let body = json!({"is_completed": is_completed});
            let target = format!("{TODOS}?all=true");
            call(server.port(), &user, "PATCH", &target, Some(&body));
        }
    };
    expect_no_refusals_beside(&server, bad, || {});
}

#[test]
fn more_todos_than_sqlite_changes_at_once_are_refused_with_the_limit_and_left_as_they_are() {
    let database = TestDatabase::sqlite();
    let server = server_with(database.url(), &[PATIENT]);
    let user = new_id();
    fill(&database, &user, 100_001);
    let mut client = Client::new(server.port(), &user);
    let complete = json!({"is_completed": true});
    let target = format!("{TODOS}?all=true");
    for (method, body) in [("PATCH", Some(&complete)), ("DELETE", None)] {
        let answer = client.call(method, &target, body).unwrap();
        assert_eq!(answer.status, 422, "{method}: {:?}", answer.json());
        assert!(answer.json()["field_errors"][0]["message"].to_string().contains("100000"));
    }
    let stats = client.get(&format!("{TODOS}/stats")).unwrap();
    assert_eq!(stats.json(), json!({"total": 100_001, "active": 100_001, "completed": 0}));
}

#[test]
fn more_todos_than_postgres_updates_in_time_are_refused_with_the_limit_and_can_be_deleted() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    // 10,000 a second.
    let server = server_with(&url, &[PATIENT, ("BULK_TIMEOUT", "5s")]);
    let user = new_id();
    let fill = format!(
        "INSERT INTO todos (user_id, id, title, is_completed, created_at, updated_at, version, title_folded)
         SELECT '{user}', gen_random_uuid(), 'title', false, now(), now(), 1, 'title'
         FROM generate_series(1, 50001)"
    );
    cluster.psql(url.rsplit('/').next().unwrap(), &fill);
    let mut client = Client::new(server.port(), &user);
    let complete = json!({"is_completed": true});
    let target = format!("{TODOS}?is_completed=false");
    let answer = client.call("PATCH", &target, Some(&complete)).unwrap();
    assert_eq!(answer.status, 422, "{:?}", answer.json());
    assert!(answer.json()["field_errors"][0]["message"].to_string().contains("50000"));
    let stats = client.get(&format!("{TODOS}/stats")).unwrap();
    assert_eq!(stats.json(), json!({"total": 50_001, "active": 50_001, "completed": 0}));
    let answer = client.call("DELETE", &target, None).unwrap();
    assert_eq!(answer.json(), json!({"affected": 50_001}));
}

#[test]
fn a_bulk_call_on_postgres_may_take_longer_than_other_calls() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server_with(&url, &[("DATABASE_TIMEOUT", "3s")]);
    let user = new_id();
    assert_eq!(call(server.port(), &user, "POST", TODOS, Some(&json!({"title": "one"}))), 201);
    let mut other = cluster.session(url.rsplit('/').next().unwrap());
    other.run("BEGIN; SELECT FROM todos FOR UPDATE");
    let target = format!("{TODOS}?is_completed=false");
    thread::scope(|scope| {
        let clear = scope.spawn(|| call(server.port(), &user, "DELETE", &target, None));
        thread::sleep(Duration::from_secs(5));
        other.run("ROLLBACK");
        assert_eq!(clear.join().unwrap(), 200);
    });
}
