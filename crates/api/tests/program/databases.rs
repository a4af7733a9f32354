//! Databases that cannot be opened: reported immediately, in one line, without the password; nothing is created.

use std::fs;
use std::net::TcpListener;

use todo_test_support::database::TestDatabase;
use todo_test_support::directory::TempDirectory;
use todo_test_support::postgres::{Cluster, ClusterOptions};

use crate::support::{Output, files, run_in};

/// Runs the server on this database, and checks that it leaves no file in its directory.
fn serve(url: &str) -> Output {
    let directory = TempDirectory::new();
    let output = run_in(directory.path(), &[], &[("DATABASE_URL", url)]);
    assert_eq!(files(&directory), Vec::<String>::new(), "{url}");
    output
}

#[test]
fn an_invalid_url_is_an_invalid_setting() {
    for url in [
        "todos.db",
        "/var/lib/todos.db",
        "mysql://me:geheim@localhost/todos",
        "postgres",
        "postgres:me:geheim@localhost",
        "postgres:/me:geheim@localhost/todos",
        "postgresql://",
        "postgresql+asyncpg://me:geheim@localhost/todos",
        "postgresql+psycopg2://me:geheim@localhost/todos",
        "sqlite+aiosqlite:///todos.db",
        "sqlite",
        "sqlite:",
        "sqlite://",
        "sqlite://todos.db?mode=geheim",
        "postgres://me:geheim%@localhost/todos",
        "postgres://me:gehe@geheim@localhost/todos",
        "postgres://me:geheim#1@localhost/todos",
        "postgres://me:ge heim@localhost/geheim",
        "postgres://me:geheim@localhost:port/todos",
        "postgres://me:geheim@localhost:0/todos",
        "postgres://me:geheim@localhost/todos?colour=geheim",
        "postgres://me:geheim@[::1/todos",
        "postgres://me:geheim%00@localhost/todos",
        "host=localhost user=me password=geheim",
    ] {
        serve(url).failed(2, &["DATABASE_URL"]);
    }
}

#[test]
fn an_unreachable_postgres_is_reported() {
    // No process listens on a port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://me:geheim@127.0.0.1:{port}/todos");
    serve(&url).failed(1, &["DATABASE_URL", "127.0.0.1"]);
    serve("postgres://me:geheim@nowhere.invalid/todos")
        .failed(1, &["DATABASE_URL", "nowhere.invalid"]);
    serve("postgres://me:geheim@localhost/todos?sslmode=perhaps").failed(1, &["DATABASE_URL"]);
}

#[test]
fn a_postgres_that_never_responds_is_reported() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgres://me:geheim@127.0.0.1:{port}/todos");
    serve(&url).failed(1, &["DATABASE_URL"]);
}

#[test]
fn a_failed_login_is_reported_without_the_password() {
    let options = ClusterOptions::default().file(
        "pg_hba.conf",
        "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
    );
    let Some(cluster) = Cluster::start(options) else { return };
    cluster.psql("postgres", "CREATE ROLE me LOGIN PASSWORD 'right'");
    let port = cluster.port();
    let wrong = format!("postgres://me:geheim@127.0.0.1:{port}/postgres");
    serve(&wrong).failed(1, &["DATABASE_URL", "password authentication failed"]);
    let unknown_role = format!("postgres://unknown_role:geheim@127.0.0.1:{port}/postgres");
    serve(&unknown_role).failed(1, &["DATABASE_URL"]);
    let absent = format!("postgres://postgres:geheim@127.0.0.1:{port}/absent");
    serve(&absent).failed(1, &["DATABASE_URL", "absent"]);
    // This role may connect, but not create tables.
    let forbidden = format!("postgres://me:right@127.0.0.1:{port}/postgres");
    let output = serve(&forbidden);
    assert!(!output.failed(1, &["DATABASE_URL", "permission denied"]).contains("right@"));
}

#[test]
fn a_postgres_without_utf8_is_rejected() {
    let Some(database) = TestDatabase::postgres() else { return };
    let name = format!("latin_{:016x}", todo_test_support::directory::random());
    let latin = format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    database.psql(&latin);
    let url = format!("{}/{name}", database.url().rsplit_once('/').unwrap().0);
    let output = serve(&url);
    database.psql(&format!("DROP DATABASE {name} WITH (FORCE)"));
    output.failed(1, &["DATABASE_URL", "UTF8"]);
}

#[test]
fn a_sqlite_file_that_cannot_be_opened_is_reported() {
    let directory = TempDirectory::new();
    let here = directory.path().display().to_string();
    serve(&format!("sqlite://{here}/absent/todos.db")).failed(1, &["DATABASE_URL"]);
    serve(&format!("sqlite://{here}")).failed(1, &["DATABASE_URL"]);
    fs::write(directory.path().join("letter.txt"), "Dear Bob, this is no database. ".repeat(99))
        .unwrap();
    serve(&format!("sqlite://{here}/letter.txt")).failed(1, &["DATABASE_URL"]);
    let letter = fs::read_to_string(directory.path().join("letter.txt")).unwrap();
    assert!(letter.starts_with("Dear Bob"));
    assert_eq!(files(&directory), ["letter.txt"]);
}
