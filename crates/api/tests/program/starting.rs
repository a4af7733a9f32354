//! Starting servers: where they listen, and on which database.

use std::net::TcpListener;
use std::thread;

use todo_test_support::clients::http::Client;
use todo_test_support::database::TestDatabase;
use todo_test_support::directory::TempDirectory;
use todo_test_support::server::Server;

use crate::support::{PROGRAM, files, run, script};

/// Long enough that a busy machine causes no 503.
const GENEROUS_TIMEOUT: (&str, &str) = ("DATABASE_TIMEOUT", "30s");

fn is_ready(server: &Server) -> bool {
    let address = server.url("").trim_start_matches("http://").parse().unwrap();
    Client::of(address, "").get("/health/ready").is_ok_and(|it| it.status == 200)
}

#[test]
fn a_port_that_is_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&["--port", &port], &[("DATABASE_URL", "sqlite::memory:")]);
    output.failed(1, &["PORT", &port]);
    // An address of another machine.
    let output = run(&["--host", "192.0.2.1"], &[("DATABASE_URL", "sqlite::memory:")]);
    output.failed(1, &["HOST", "192.0.2.1"]);
}

#[test]
fn without_settings_the_database_is_a_file_in_the_working_directory() {
    let directory = TempDirectory::new();
    let program = script(&directory, "DATABASE_URL");
    let server = Server::start(&program, "sqlite::memory:", &[GENEROUS_TIMEOUT]);
    assert!(is_ready(&server));
    assert!(files(&directory).contains(&"todos.db".to_owned()), "{:?}", files(&directory));
}

#[test]
fn a_file_in_the_working_directory_sets_what_the_environment_does_not_set() {
    let directory = TempDirectory::new();
    std::fs::write(directory.path().join(".env"), "DATABASE_URL=sqlite://mine.db\nPORT=1\n")
        .unwrap();
    let program = script(&directory, "DATABASE_URL");
    let server = Server::start(&program, "sqlite::memory:", &[GENEROUS_TIMEOUT]);
    assert!(is_ready(&server));
    let files = files(&directory);
    assert!(files.contains(&"mine.db".to_owned()), "{files:?}");
    assert!(!files.contains(&"todos.db".to_owned()), "{files:?}");
}

#[test]
fn servers_that_start_concurrently_on_one_empty_database_all_start() {
    for database in [Some(TestDatabase::sqlite()), TestDatabase::postgres()].into_iter().flatten() {
        let settings = [("DATABASE_POOL_SIZE", "2"), GENEROUS_TIMEOUT];
        let servers: Vec<_> = thread::scope(|scope| {
            let start = || Server::start(PROGRAM, database.url(), &settings);
            let starts: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
            starts.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(servers.iter().all(is_ready), "{}", database.url());
    }
}

#[test]
fn a_server_listens_on_ipv6_too() {
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let server = Server::start(PROGRAM, "sqlite::memory:", &[("HOST", "::1"), GENEROUS_TIMEOUT]);
    assert!(server.url("").starts_with("http://[::1]:"));
    assert!(is_ready(&server));
}
