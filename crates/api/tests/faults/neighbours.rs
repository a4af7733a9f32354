//! A user's slow calls do not affect other users.

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

/// Long enough that a busy machine causes no 503. Calls that wait behind a blocked call also wait this long.
const GENEROUS_TIMEOUT: (&str, &str) = ("DATABASE_TIMEOUT", "20s");

/// Ends a test that hangs.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);

const DISTURBING_CLIENTS: usize = 16;
const OTHER_CLIENTS: usize = 8;

fn call(port: u16, user: &str, method: &str, target: &str, body: Option<&Value>) -> u16 {
    Client::new(port, user).call(method, target, body).map_or(0, |response| response.status)
}

/// Runs a load of other users while many clients of one user run `disturb`. Asserts that no call of the others fails.
fn assert_others_succeed(
    server: &Server,
    disturb: impl Fn(&AtomicBool) + Sync,
    end: impl FnOnce(),
) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..DISTURBING_CLIENTS {
            scope.spawn(|| disturb(&done));
        }
        let load = Load::start(server.port(), Plan::mixed(OTHER_CLIENTS));
        load.wait_for_successes(500, HANG_TIMEOUT);
        let report = load.stop();
        done.store(true, Ordering::Relaxed);
        end();
        report.assert_no_errors();
        assert_eq!(report.count(503), 0);
        report.verify(server.port());
    });
}

#[test]
fn a_user_whose_row_is_locked_does_not_delay_others() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server_with(&url, &[GENEROUS_TIMEOUT]);
    let user = new_id();
    let target = format!("{TODOS}/{}", new_id());
    let todo = json!({"title": "locked", "description": null, "is_completed": false});
    assert_eq!(call(server.port(), &user, "PUT", &target, Some(&todo)), 201);
    let mut session = cluster.session(url.rsplit('/').next().unwrap());
    session.run("BEGIN; SELECT FROM todos FOR UPDATE");
    let patch = json!({"is_completed": true});
    let disturb = |done: &AtomicBool| {
        while !done.load(Ordering::Relaxed) {
            call(server.port(), &user, "PATCH", &target, Some(&patch));
        }
    };
    assert_others_succeed(&server, disturb, || drop(session));
}

#[test]
fn the_server_is_ready_while_every_thread_waits_for_users_locks() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server_with(&url, &[GENEROUS_TIMEOUT, ("DATABASE_POOL_SIZE", "2")]);
    let users = [new_id(), new_id()];
    for user in &users {
        assert_eq!(call(server.port(), user, "POST", TODOS, Some(&json!({"title": "one"}))), 201);
    }
    let mut session = cluster.session(url.rsplit('/').next().unwrap());
    session.run("BEGIN; SELECT FROM todos FOR UPDATE");
    thread::scope(|scope| {
        for user in &users {
            let (port, target) = (server.port(), format!("{TODOS}/{}", only_id(&server, user)));
            scope.spawn(move || call(port, user, "DELETE", &target, None));
        }
        let waiting = "SELECT count(*) FROM pg_stat_activity \
            WHERE wait_event_type = 'Lock' AND application_name = 'todo-api'";
        while cluster.psql("postgres", waiting) != "2" {
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(call(server.port(), &users[0], "GET", "/health/ready", None), 200);
        session.run("ROLLBACK");
    });
}

fn only_id(server: &Server, user: &str) -> String {
    let list = Client::new(server.port(), user).get(TODOS).unwrap().json();
    list["items"][0]["id"].as_str().unwrap().to_owned()
}

/// Inserts this many todos of one user into a SQLite file.
fn insert_todos(database: &TestDatabase, user: &str, count: u32) {
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let user = user.replace('-', "");
    let statement = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO todos (user_id, id, title, description, is_completed, created_at, updated_at, version, \
             title_folded, description_folded) \
         SELECT unhex('{user}'), unhex(printf('%032x', i)), 'title', 'n', 0, \
             i, i, 1, 'title', 'n' FROM n"
    );
    let mut connection = SqliteConnection::establish(path).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 60000").unwrap();
    connection.batch_execute(&statement).unwrap();
}

#[test]
fn a_user_who_changes_many_todos_on_sqlite_does_not_delay_others_for_long() {
    let database = TestDatabase::sqlite();
    let server = server_with(database.url(), &[GENEROUS_TIMEOUT]);
    let user = new_id();
    insert_todos(&database, &user, 20_000);
    let disturb = |done: &AtomicBool| {
        for is_completed in [true, false].into_iter().cycle() {
            if done.load(Ordering::Relaxed) {
                return;
            }
            let body = json!({"is_completed": is_completed});
            let target = format!("{TODOS}?all=true");
            call(server.port(), &user, "PATCH", &target, Some(&body));
        }
    };
    assert_others_succeed(&server, disturb, || {});
}

#[test]
fn more_todos_than_the_limit_on_sqlite_are_rejected_and_not_changed() {
    let database = TestDatabase::sqlite();
    let server = server_with(database.url(), &[GENEROUS_TIMEOUT]);
    let user = new_id();
    insert_todos(&database, &user, 100_001);
    let mut client = Client::new(server.port(), &user);
    let complete = json!({"is_completed": true});
    let target = format!("{TODOS}?all=true");
    for (method, body) in [("PATCH", Some(&complete)), ("DELETE", None)] {
        let response = client.call(method, &target, body).unwrap();
        assert_eq!(response.status, 422, "{method}: {:?}", response.json());
        assert!(response.json()["field_errors"][0]["message"].to_string().contains("100000"));
    }
    let stats = client.get(&format!("{TODOS}/stats")).unwrap();
    assert_eq!(stats.json()["total"], 100_001);
}

#[test]
fn more_todos_than_postgres_changes_in_time_are_rejected_and_not_changed() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    // At 10,000 todos per second, the limit is 50,000.
    let server = server_with(&url, &[GENEROUS_TIMEOUT, ("BULK_TIMEOUT", "5s")]);
    let user = new_id();
    let statement = format!(
        "INSERT INTO todos (user_id, id, title, is_completed, created_at, updated_at, version, title_folded)
         SELECT '{user}', gen_random_uuid(), 'title', false, now(), now(), 1, 'title'
         FROM generate_series(1, 50001)"
    );
    cluster.psql(url.rsplit('/').next().unwrap(), &statement);
    let mut client = Client::new(server.port(), &user);
    let complete = json!({"is_completed": true});
    let target = format!("{TODOS}?is_completed=false");
    for (method, body) in [("PATCH", Some(&complete)), ("DELETE", None)] {
        let response = client.call(method, &target, body).unwrap();
        assert_eq!(response.status, 422, "{method}: {:?}", response.json());
        assert!(response.json()["field_errors"][0]["message"].to_string().contains("50000"));
    }
    let stats = client.get(&format!("{TODOS}/stats")).unwrap();
    assert_eq!(stats.json()["total"], 50_001);
}

/// Through two servers. Without an order of locks, the calls deadlock, and those that
/// wait hold all connections.
#[test]
fn racing_bulk_calls_of_one_user_are_all_carried_out_and_fail_no_call_of_others() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let servers = [(); 2].map(|()| server_with(&url, &[GENEROUS_TIMEOUT]));
    let [user, other] = [(); 2].map(|()| new_id());
    let create = |user: &str, number: usize| {
        let new = json!({"title": "one", "is_completed": number.is_multiple_of(2)});
        call(servers[0].port(), user, "POST", TODOS, Some(&new))
    };
    assert!((0..100).all(|number| create(&user, number) == 201) && create(&other, 0) == 201);
    let todo = format!("{TODOS}/{}", only_id(&servers[0], &other));
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..DISTURBING_CLIENTS)
            .map(|writer| {
                let (port, user) = (servers[writer % 2].port(), &user);
                scope.spawn(move || {
                    let mut client = Client::new(port, user);
                    (0..40)
                        .map(|number| {
                            let target =
                                format!("{TODOS}?is_completed={}", (writer + number) % 4 < 2);
                            let body = json!({"is_completed": (writer + number) % 4 >= 2});
                            client.call("PATCH", &target, Some(&body)).map_or(0, |it| it.status)
                        })
                        .filter(|status| *status != 200)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let neighbour = scope.spawn(|| {
            let ports = servers.each_ref().map(Server::port);
            let mut statuses = Vec::new();
            while !is_done.load(Ordering::Relaxed) {
                statuses.extend(ports.map(|port| call(port, &other, "GET", &todo, None)));
            }
            statuses
        });
        let refused: Vec<_> = writers.into_iter().flat_map(|it| it.join().unwrap()).collect();
        is_done.store(true, Ordering::Relaxed);
        let statuses = neighbour.join().unwrap();
        assert!(refused.is_empty(), "{refused:?} of {} calls", DISTURBING_CLIENTS * 40);
        assert!(statuses.len() > 10 && statuses.iter().all(|it| *it == 200), "{statuses:?}");
    });
}

#[test]
fn a_bulk_call_on_postgres_may_take_longer_than_other_calls() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let server = server_with(&url, &[("DATABASE_TIMEOUT", "3s")]);
    let user = new_id();
    assert_eq!(call(server.port(), &user, "POST", TODOS, Some(&json!({"title": "one"}))), 201);
    let mut session = cluster.session(url.rsplit('/').next().unwrap());
    session.run("BEGIN; SELECT FROM todos FOR UPDATE");
    let target = format!("{TODOS}?is_completed=false");
    thread::scope(|scope| {
        let target = scope.spawn(|| call(server.port(), &user, "DELETE", &target, None));
        thread::sleep(Duration::from_secs(5));
        session.run("ROLLBACK");
        assert_eq!(target.join().unwrap(), 200);
    });
}
