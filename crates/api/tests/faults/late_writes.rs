//! Once a write was answered with 503, it never begins, whatever the database does later.

use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::{Value, json};
use todo_test_support::database::TestDatabase;
use todo_test_support::postgres::Cluster;
use todo_test_support::process;
use todo_test_support::server::Server;

use crate::support::http::{Client, HANGS};
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::{cluster, name, server_with};
use crate::support::wait::until;

/// How long a write that was given up may need to show that it was begun all the same.
const SETTLING: Duration = Duration::from_secs(2);

/// After which callers are refused; long enough for a busy machine to serve those who are not held up.
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

/// Repeats a call until it is not refused any more.
fn call_until_served(
    server: &Server,
    user: &str,
    method: &str,
    target: &str,
    body: Option<&Value>,
) -> u16 {
    let begun = std::time::Instant::now();
    loop {
        let status = call(server, user, method, target, body);
        if status != 503 {
            return status;
        }
        assert!(begun.elapsed() < HANGS, "{method} {target} is refused for ever");
    }
}

fn title(server: &Server, user: &str, target: &str) -> Option<String> {
    let answer = Client::new(server.port(), user).get(target).unwrap();
    match answer.status {
        404 => None,
        200 => Some(answer.json()["title"].as_str().unwrap().to_owned()),
        status => panic!("{status}: {:?}", answer.json()),
    }
}

/// The processes that serve the server's connections.
fn backends(cluster: &Cluster, database: &str) -> Vec<u32> {
    let sql = format!(
        "SELECT pid FROM pg_stat_activity WHERE datname = '{database}' \
         AND application_name = 'todo-api'"
    );
    cluster.psql("postgres", &sql).lines().map(|pid| pid.parse().unwrap()).collect()
}

#[test]
fn what_lay_in_a_frozen_session_is_not_carried_out_when_it_thaws() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let settings = [("DATABASE_POOL_SIZE", "2"), TIMEOUT, ("BULK_TIMEOUT", "3s")];
    let server = server_with(&url, &settings);
    let (putter, patcher, poster, clearer) = (new_id(), new_id(), new_id(), new_id());
    let (of_putter, of_patcher) = (target(), target());
    assert_eq!(call(&server, &patcher, "PUT", &of_patcher, Some(&todo("old"))), 201);
    assert_eq!(call(&server, &clearer, "POST", TODOS, Some(&json!({"title": "first"}))), 201);

    // Each finds a session that is frozen, has its thread replaced, and makes another session that freezes in turn.
    let mut frozen = Vec::new();
    let mut freeze_and_call = |user: &str, method: &str, target: &str, body: Option<&Value>| {
        // A connection for the next thread, which is busy and so not frozen in the middle of being made.
        call_until_served(&server, user, "GET", TODOS, None);
        let pids = backends(&cluster, name(&url));
        for pid in &pids {
            process::signal(*pid, "STOP");
        }
        assert_eq!(call(&server, user, method, target, body), 503, "{method} {target}");
        frozen.extend(pids);
    };
    freeze_and_call(&putter, "PUT", &of_putter, Some(&todo("back")));
    freeze_and_call(&patcher, "PATCH", &of_patcher, Some(&json!({"title": "late"})));
    freeze_and_call(&poster, "POST", TODOS, Some(&json!({"title": "late"})));
    let clear = format!("{TODOS}?all=true");
    freeze_and_call(&clearer, "DELETE", &clear, None);

    assert_eq!(call_until_served(&server, &putter, "PUT", &of_putter, Some(&todo("again"))), 201);
    assert_eq!(call_until_served(&server, &putter, "DELETE", &of_putter, None), 204);
    let newer = json!({"title": "new"});
    assert_eq!(call_until_served(&server, &patcher, "PATCH", &of_patcher, Some(&newer)), 200);
    assert_eq!(call_until_served(&server, &clearer, "DELETE", &clear, None), 200);
    let second = json!({"title": "second"});
    assert_eq!(call_until_served(&server, &clearer, "POST", TODOS, Some(&second)), 201);
    for pid in frozen {
        process::signal(pid, "CONT");
    }
    thread::sleep(SETTLING);

    assert_eq!(title(&server, &putter, &of_putter), None, "what was deleted is back");
    assert_eq!(title(&server, &patcher, &of_patcher).as_deref(), Some("new"));
    let list = Client::new(server.port(), &poster).get(TODOS).unwrap();
    assert_eq!(list.json()["count"], 0, "a creation that was refused has been carried out");
    let list = Client::new(server.port(), &clearer).get(TODOS).unwrap();
    assert_eq!(list.json()["items"][0]["title"], "second");
}

/// Two users, and where the todo of each is.
fn two_users_with_a_todo(server: &Server) -> [(String, String); 2] {
    [(); 2].map(|()| {
        let (user, target) = (new_id(), target());
        assert_eq!(call(server, &user, "PUT", &target, Some(&todo("old"))), 201);
        (user, target)
    })
}

/// Two users' writes wait for locks, one after the other on one thread. What the second may still take is less than
/// a statement may take in all.
#[test]
fn a_write_that_waited_in_the_queue_is_not_carried_out_after_its_503() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server_with(&url, &ONE_THREAD);
    let [(first, of_first), (second, of_second)] = two_users_with_a_todo(&server);
    let mut other = cluster.session(name(&url));
    other.run("BEGIN; SELECT FROM todos FOR UPDATE");
    let late = json!({"title": "late"});
    thread::scope(|scope| {
        let blocking = scope.spawn(|| call(&server, &first, "PATCH", &of_first, Some(&late)));
        thread::sleep(Duration::from_millis(700));
        assert_eq!(call(&server, &second, "PATCH", &of_second, Some(&late)), 503);
        assert_eq!(blocking.join().unwrap(), 503);
        // Postgres has ended the second as well, at its own deadline, though nobody has freed the row. A statement
        // that it is still executing when its caller is told could be carried out; here none may be.
        let waiting = "SELECT count(*) FROM pg_stat_activity \
            WHERE wait_event_type = 'Lock' AND application_name = 'todo-api'";
        until("the end of the statements", || cluster.psql("postgres", waiting) == "0");
        // Only now: both callers have been told.
        other.run("ROLLBACK");
    });
    thread::sleep(SETTLING);
    for (user, target) in [(&first, &of_first), (&second, &of_second)] {
        assert_eq!(title(&server, user, target).as_deref(), Some("old"));
    }
}

#[test]
fn a_write_that_waited_for_the_sqlite_lock_is_not_carried_out_after_its_503() {
    let database = TestDatabase::sqlite();
    let server = server_with(database.url(), &[TIMEOUT]);
    let [(first, of_first), (second, of_second)] = two_users_with_a_todo(&server);
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let mut other = SqliteConnection::establish(path).unwrap();
    other.batch_execute("PRAGMA busy_timeout = 60000; BEGIN IMMEDIATE").unwrap();
    let late = json!({"title": "late"});
    thread::scope(|scope| {
        let blocking = scope.spawn(|| call(&server, &first, "PATCH", &of_first, Some(&late)));
        thread::sleep(Duration::from_millis(700));
        assert_eq!(call(&server, &second, "PATCH", &of_second, Some(&late)), 503);
        assert_eq!(blocking.join().unwrap(), 503);
        other.batch_execute("ROLLBACK").unwrap();
    });
    thread::sleep(SETTLING);
    for (user, target) in [(&first, &of_first), (&second, &of_second)] {
        assert_eq!(title(&server, user, target).as_deref(), Some("old"));
    }
}
