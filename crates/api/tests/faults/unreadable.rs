//! A table that cannot be read: the database answers, and is of no use all the same.

use std::fs::{self, OpenOptions};
use std::io::Write;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;
use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::http::{Answer, Client};
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::{cluster, server_with};
use crate::support::wait::until;

fn readiness(server: &Server) -> Answer {
    Client::new(server.port(), &new_id()).get("/health/ready").unwrap()
}

/// The server, which gives up soon to connect to what cannot be opened.
fn server(url: &str) -> Server {
    server_with(url, &[("DATABASE_TIMEOUT", "3s")])
}

/// The server denies readiness until `repair`, calls fail without a word about why, and the log tells.
fn expect_unready_until_repaired(server: &Server, cause: &str, repair: impl FnOnce()) {
    until("readiness to be denied", || readiness(server).is_unavailable());
    let mut client = Client::new(server.port(), &new_id());
    assert_eq!(client.get("/health").unwrap().status, 200);
    let get = client.get(&format!("{TODOS}/{}", new_id())).unwrap();
    for answer in [get, client.get(TODOS).unwrap(), readiness(server)] {
        let is_error = answer.status == 500 || answer.is_unavailable();
        assert!(is_error && !says(&answer, cause), "{answer:?}");
    }
    let logs = server.logs();
    assert!(logs.iter().any(|line| line.contains(cause)), "{logs:?}");
    repair();
    until("readiness", || readiness(server).status == 200);
    assert_eq!(client.get(TODOS).unwrap().status, 200);
}

fn says(answer: &Answer, text: &str) -> bool {
    String::from_utf8_lossy(&answer.body).contains(text)
}

fn create(server: &Server, user: &str) {
    let todo = json!({"title": "one", "description": "x".repeat(2_000)});
    let answer = Client::new(server.port(), user).call("POST", TODOS, Some(&todo)).unwrap();
    assert_eq!(answer.status, 201);
}

#[test]
fn a_role_that_lost_its_rights_is_not_ready_on_postgres() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let name = url.rsplit('/').next().unwrap();
    cluster.psql(name, &format!("CREATE ROLE app LOGIN; ALTER DATABASE {name} OWNER TO app"));
    let server = server(&url.replace("postgres@", "app@"));
    create(&server, &new_id());
    assert_eq!(readiness(&server).status, 200);
    cluster.psql(name, "REVOKE SELECT ON todos FROM app");
    expect_unready_until_repaired(&server, "permission denied", || {
        cluster.psql(name, "GRANT SELECT ON todos TO app");
    });
}

#[test]
fn a_table_that_is_gone_is_not_ready_on_postgres() {
    let Some(cluster) = cluster() else { return };
    let url = cluster.create_database();
    let name = url.rsplit('/').next().unwrap();
    let server = server(&url);
    create(&server, &new_id());
    cluster.psql(name, "ALTER TABLE todos RENAME TO gone");
    expect_unready_until_repaired(&server, "does not exist", || {
        cluster.psql(name, "ALTER TABLE gone RENAME TO todos");
    });
}

#[test]
fn a_table_that_is_gone_is_not_ready_on_sqlite() {
    let database = TestDatabase::sqlite();
    let server = server(database.url());
    create(&server, &new_id());
    let mut connection = connect(&database);
    connection.batch_execute("ALTER TABLE todos RENAME TO gone").unwrap();
    expect_unready_until_repaired(&server, "no such table", || {
        connection.batch_execute("ALTER TABLE gone RENAME TO todos").unwrap();
    });
}

#[test]
fn a_damaged_file_is_not_ready() {
    let database = TestDatabase::sqlite();
    let server = server(database.url());
    for _ in 0..20 {
        create(&server, &new_id());
    }
    // So that the file itself holds everything.
    connect(&database).batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert_eq!(readiness(&server).status, 200);

    let path = database.url().strip_prefix("sqlite://").unwrap();
    let sound = fs::read(path).unwrap();
    // In place: the file stays the same one.
    let overwrite = |content: &[u8]| {
        OpenOptions::new().write(true).open(path).unwrap().write_all(content).unwrap();
    };
    overwrite(&vec![0xa5; sound.len()]);
    expect_unready_until_repaired(&server, "not a database", || overwrite(&sound));

    // The header alone is sound, the tables are not.
    let mut damaged = sound.clone();
    damaged[4_096..].fill(0xa5);
    overwrite(&damaged);
    expect_unready_until_repaired(&server, "malformed", || overwrite(&sound));
}

fn connect(database: &TestDatabase) -> SqliteConnection {
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let mut connection = SqliteConnection::establish(path).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
    connection
}
