//! After a 503, a write never starts, whatever the database does later.

use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::{Value, json};
use todo_test_support::database::TestDatabase;
use todo_test_support::postgres::Cluster;
use todo_test_support::process;
use todo_test_support::server::Server;

use crate::support::http::{Client, HANG_TIMEOUT};
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::{cluster, name, server_with};
use crate::support::wait::until;

/// How long to wait for the effect of a write that should not have been executed.
const SETTLE_TIME: Duration = Duration::from_secs(2);

/// The deadline of the calls; long enough for a busy machine to serve the calls that are not blocked.
const TIMEOUT: (&str, &str) = ("DATABASE_TIMEOUT", "3s");

const ONE_THREAD: [(&str, &str); 2] = [("DATABASE_POOL_SIZE", "1"), TIMEOUT];

fn todo(title: &str) -> Value {
    json!({"title": title, "description": null, "is_completed": false})
}

fn target() -> String {
    format!("{TODOS}/{}", new_id())
}

fn call(server: &Server, user: &str, method: &str, target: &str, body: Option<&Value>) -> u16 {
    Client::new(server.port(), user).call(method, target, body).unwrap().status
}

/// Repeats a call until it gets another status than 503.
fn call_until_served(
    server: &Server,
    user: &str,
    method: &str,
    target: &str,
    body: Option<&Value>,
) -> u16 {
    let start = std::time::Instant::now();
    loop {
        let status = call(server, user, method, target, body);
        if status != 503 {
            return status;
        }
        assert!(start.elapsed() < HANG_TIMEOUT, "{method} {target} keeps failing with 503");
    }
}

fn title(server: &Server, user: &str, target: &str) -> Option<String> {
    let response = Client::new(server.port(), user).get(target).unwrap();
    match response.status {
        404 => None,
        200 => Some(response.json()["title"].as_str().unwrap().to_owned()),
        status => panic!("{status}: {:?}", response.json()),
    }
}

/// The Postgres processes that serve the server's connections.
fn backends(cluster: &Cluster, database: &str) -> Vec<u32> {
    let sql = format!(
        "SELECT pid FROM pg_stat_activity WHERE datname = '{database}' \
         AND application_name = 'todo-api'"
    );
    cluster.psql("postgres", &sql).lines().map(|pid| pid.parse().unwrap()).collect()
}

#[test]
fn a_write_in_a_frozen_session_is_not_carried_out_when_it_thaws() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let settings = [("DATABASE_POOL_SIZE", "2"), TIMEOUT, ("BULK_TIMEOUT", "3s")];
    let server = server_with(&url, &settings);
    let (put_user, patch_user, post_user, delete_user) = (new_id(), new_id(), new_id(), new_id());
    let (put_target, patch_target) = (target(), target());
    assert_eq!(call(&server, &patch_user, "PUT", &patch_target, Some(&todo("old"))), 201);
    assert_eq!(call(&server, &delete_user, "POST", TODOS, Some(&json!({"title": "first"}))), 201);

    // Each call finds a frozen session, its thread is replaced, and the new session is frozen in turn.
    let mut frozen = Vec::new();
    let mut freeze_and_call = |user: &str, method: &str, target: &str, body: Option<&Value>| {
        // Open a connection for the next thread. It is in use, so it is not frozen while it is being established.
        call_until_served(&server, user, "GET", TODOS, None);
        let pids = backends(&cluster, name(&url));
        for pid in &pids {
            process::signal(*pid, "STOP");
        }
        assert_eq!(call(&server, user, method, target, body), 503, "{method} {target}");
        frozen.extend(pids);
    };
    freeze_and_call(&put_user, "PUT", &put_target, Some(&todo("back")));
    freeze_and_call(&patch_user, "PATCH", &patch_target, Some(&json!({"title": "late"})));
    freeze_and_call(&post_user, "POST", TODOS, Some(&json!({"title": "late"})));
    let clear = format!("{TODOS}?all=true");
    freeze_and_call(&delete_user, "DELETE", &clear, None);

    assert_eq!(
        call_until_served(&server, &put_user, "PUT", &put_target, Some(&todo("again"))),
        201
    );
    assert_eq!(call_until_served(&server, &put_user, "DELETE", &put_target, None), 204);
    let newer = json!({"title": "new"});
    assert_eq!(call_until_served(&server, &patch_user, "PATCH", &patch_target, Some(&newer)), 200);
    assert_eq!(call_until_served(&server, &delete_user, "DELETE", &clear, None), 200);
    let second = json!({"title": "second"});
    assert_eq!(call_until_served(&server, &delete_user, "POST", TODOS, Some(&second)), 201);
    for pid in frozen {
        process::signal(pid, "CONT");
    }
    thread::sleep(SETTLE_TIME);

    assert_eq!(title(&server, &put_user, &put_target), None, "a deleted todo has reappeared");
    assert_eq!(title(&server, &patch_user, &patch_target).as_deref(), Some("new"));
    let list = Client::new(server.port(), &post_user).get(TODOS).unwrap();
    assert_eq!(list.json()["count"], 0, "a create has been carried out after its 503");
    let list = Client::new(server.port(), &delete_user).get(TODOS).unwrap();
    assert_eq!(list.json()["items"][0]["title"], "second");
}

/// Two users, with a todo each and its path.
fn two_users_with_a_todo(server: &Server) -> [(String, String); 2] {
    [(); 2].map(|()| {
        let (user, target) = (new_id(), target());
        assert_eq!(call(server, &user, "PUT", &target, Some(&todo("old"))), 201);
        (user, target)
    })
}

/// Two users' writes wait for locks, one after the other on the same thread. The second has less time left than
/// `statement_timeout` allows by default.
#[test]
fn a_write_that_waited_in_the_queue_is_not_carried_out_after_its_503() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server_with(&url, &ONE_THREAD);
    let [(first, first_target), (second, second_target)] = two_users_with_a_todo(&server);
    let mut other = cluster.session(name(&url));
    other.run("BEGIN; SELECT FROM todos FOR UPDATE");
    let late = json!({"title": "late"});
    thread::scope(|scope| {
        let blocking = scope.spawn(|| call(&server, &first, "PATCH", &first_target, Some(&late)));
        thread::sleep(Duration::from_millis(700));
        assert_eq!(call(&server, &second, "PATCH", &second_target, Some(&late)), 503);
        assert_eq!(blocking.join().unwrap(), 503);
        // Postgres has cancelled the second as well, at its own deadline, although the row is still locked. A statement
        // that is still executing at the time of the 503 could take effect; here none may be.
        let waiting = "SELECT count(*) FROM pg_stat_activity \
            WHERE wait_event_type = 'Lock' AND application_name = 'todo-api'";
        until("the end of the statements", || cluster.psql("postgres", waiting) == "0");
        // Only after both callers have got their responses.
        other.run("ROLLBACK");
    });
    thread::sleep(SETTLE_TIME);
    for (user, target) in [(&first, &first_target), (&second, &second_target)] {
        assert_eq!(title(&server, user, target).as_deref(), Some("old"));
    }
}

#[test]
fn a_write_that_waited_for_the_sqlite_lock_is_not_carried_out_after_its_503() {
    let database = TestDatabase::sqlite();
    let server = server_with(database.url(), &[TIMEOUT]);
    let [(first, first_target), (second, second_target)] = two_users_with_a_todo(&server);
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let mut other = SqliteConnection::establish(path).unwrap();
    other.batch_execute("PRAGMA busy_timeout = 60000; BEGIN IMMEDIATE").unwrap();
    let late = json!({"title": "late"});
    thread::scope(|scope| {
        let blocking = scope.spawn(|| call(&server, &first, "PATCH", &first_target, Some(&late)));
        thread::sleep(Duration::from_millis(700));
        assert_eq!(call(&server, &second, "PATCH", &second_target, Some(&late)), 503);
        assert_eq!(blocking.join().unwrap(), 503);
        other.batch_execute("ROLLBACK").unwrap();
    });
    thread::sleep(SETTLE_TIME);
    for (user, target) in [(&first, &first_target), (&second, &second_target)] {
        assert_eq!(title(&server, user, target).as_deref(), Some("old"));
    }
}
