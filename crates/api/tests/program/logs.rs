//! The log: on standard output, in either format, without secrets.

use serde_json::Value;
use todo_test_support::database::TestDatabase;
use todo_test_support::directory::TempDirectory;
use todo_test_support::server::Server;

use crate::support::{PROGRAM, shell};

/// The same URL with a password, which the server does not require.
fn with_password(database: &TestDatabase) -> String {
    let (scheme, rest) = database.url().split_once("://").unwrap();
    let (user, host) = rest.split_once('@').unwrap();
    let user = user.split(':').next().unwrap();
    format!("{scheme}://{user}:geheim@{host}?application_name=geheim")
}

#[test]
fn the_first_line_has_the_addresses_of_the_server_and_its_documentation() {
    let server = Server::start(PROGRAM, "sqlite::memory:", &[]);
    let address = server.url("");
    let lines: Vec<Value> =
        server.logs().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let fields = &lines.iter().find(|it| it["fields"]["message"] == "listening").unwrap()["fields"];
    assert_eq!(fields["address"], address);
    assert_eq!(fields["docs"], format!("{address}/docs"));
    assert_eq!(fields["database"], "sqlite::memory:");
    assert_eq!(server.stderr(), Vec::<String>::new());
}

#[test]
fn no_line_shows_the_password() {
    // A server that requires passwords would reject this one.
    let Some(database) = TestDatabase::postgres().filter(|it| it.url().contains("127.0.0.1"))
    else {
        return;
    };
    let server = Server::start(PROGRAM, &with_password(&database), &[("RUST_LOG", "trace")]);
    let log = server.logs().join("\n");
    assert!(log.contains(":***@"), "{log}");
    assert!(!log.contains("geheim"), "{log}");
}

#[test]
fn the_text_format_contains_the_same() {
    let directory = TempDirectory::new();
    let script = r#"cd "$0"; "$1" > log & i=0
        until grep -qs listening log || [ $i -gt 400 ]; do sleep 0.1; i=$((i+1)); done
        kill $!; wait $!; code=$?; cat log; exit $code"#;
    let line = [script, directory.path().to_str().unwrap(), PROGRAM];
    let output = shell(&line, &[("DATABASE_URL", "sqlite::memory:")]);
    let log = output.succeeded();
    let line = log.lines().find(|line| line.contains("listening")).unwrap();
    assert!(line.contains("http://127.0.0.1:") && line.contains("/docs"), "{line}");
    assert!(line.contains("sqlite::memory:") && line.contains("INFO"), "{line}");
    assert!(!log.contains('\u{1b}'), "colours are for terminals: {log:?}");
    assert!(log.contains("shutting down"), "{log}");
}
