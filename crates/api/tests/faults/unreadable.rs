//! The database responds, but the table cannot be read.

use std::fs::{self, OpenOptions};
use std::io::Write;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;
use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::http::{Client, Response};
use crate::support::ledger::{TODOS, new_id};
use crate::support::setup::{cluster, server_with};
use crate::support::wait::until;

fn readiness(server: &Server) -> Response {
    Client::new(server.port(), &new_id()).get("/health/ready").unwrap()
}

/// The server with a short deadline for connecting.
fn server(url: &str) -> Server {
    server_with(url, &[("DATABASE_TIMEOUT", "3s")])
}

/// Until `repair`, readiness fails, calls fail without revealing the reason, and the log contains it.
fn expect_unready_until_repaired(server: &Server, cause: &str, repair: impl FnOnce()) {
    until("readiness to fail", || readiness(server).is_unavailable());
    let mut client = Client::new(server.port(), &new_id());
    assert_eq!(client.get("/health").unwrap().status, 200);
    let get = client.get(&format!("{TODOS}/{}", new_id())).unwrap();
    for response in [get, client.get(TODOS).unwrap(), readiness(server)] {
        let is_error = response.status == 500 || response.is_unavailable();
        assert!(is_error && !body_contains(&response, cause), "{response:?}");
    }
    let logs = server.logs();
    assert!(logs.iter().any(|line| line.contains(cause)), "{logs:?}");
    repair();
    until("readiness", || readiness(server).status == 200);
    assert_eq!(client.get(TODOS).unwrap().status, 200);
}

fn body_contains(response: &Response, text: &str) -> bool {
    String::from_utf8_lossy(&response.body).contains(text)
}

fn create(server: &Server, user: &str) {
    let todo = json!({"title": "one", "description": "x".repeat(2_000)});
    let response = Client::new(server.port(), user).call("POST", TODOS, Some(&todo)).unwrap();
    assert_eq!(response.status, 201);
}

#[test]
fn without_privileges_the_server_is_not_ready_on_postgres() {
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
fn without_its_table_the_server_is_not_ready_on_postgres() {
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
fn without_its_table_the_server_is_not_ready_on_sqlite() {
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
fn with_a_damaged_file_the_server_is_not_ready() {
    let database = TestDatabase::sqlite();
    let server = server(database.url());
    for _ in 0..20 {
        create(&server, &new_id());
    }
    // So that the database file contains everything.
    connect(&database).batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert_eq!(readiness(&server).status, 200);

    let path = database.url().strip_prefix("sqlite://").unwrap();
    let sound = fs::read(path).unwrap();
    // In place, so that it remains the same file.
    let overwrite = |content: &[u8]| {
        OpenOptions::new().write(true).open(path).unwrap().write_all(content).unwrap();
    };
    overwrite(&vec![0xa5; sound.len()]);
    expect_unready_until_repaired(&server, "not a database", || overwrite(&sound));

    // The header is intact, but the tables are damaged.
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
