//! A server as a real process; here, a shell script.

#![expect(clippy::expect_used, reason = "a failed expectation fails the test")]

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use todo_test_support::{
    clients::http::HANG_TIMEOUT, command::run_to_exit, directory::TempDirectory, process,
    server::Server,
};

const LISTENS: &str = r#"
echo '{"fields":{"message":"starting"}}'
echo '{"fields":{"message":"listening","address":"http://127.0.0.1:4711"}}'
"#;

/// The name of the directory contains a space and a quote, as paths may.
struct Script(#[expect(dead_code, reason = "kept while it runs")] TempDirectory, PathBuf);

fn script(body: &str) -> Script {
    let directory = TempDirectory::new();
    let inner = directory.path().join("it's a directory");
    fs::create_dir(&inner).expect("it is new");
    let path = inner.join("server");
    fs::write(&path, format!("#!/bin/sh\n{body}")).expect("the directory is ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    Script(directory, path)
}

fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    *panic.downcast::<String>().expect("a panic with a text")
}

#[test]
fn the_address_of_a_server_is_read_from_its_log() {
    let script = script(&format!("{LISTENS}exec sleep 60"));
    let server = Server::start(&script.1, "sqlite://todos.db", &[]);
    assert_eq!(server.port(), 4711);
    assert_eq!(server.url("/health"), "http://127.0.0.1:4711/health");
    assert_eq!(server.logs().len(), 2);
    assert!(server.is_running());
    if cfg!(target_os = "linux") {
        assert!(server.rss_bytes().is_some_and(|bytes| bytes > 0));
        assert!(server.cpu_time().is_some() && server.threads() == Some(1));
    }
}

#[test]
fn a_server_gets_only_the_given_environment() {
    let script = script(&format!("{LISTENS}env >&2; pwd >&2; exec sleep 60"));
    let envs = [("RUST_LOG", "debug"), ("EXTRA", "two words")];
    let server = Server::start(&script.1, "postgres://somewhere/db", &envs);
    server.terminate();
    let _ = server.wait_exit(HANG_TIMEOUT);
    let output = server.stderr();
    for line in [
        "HOST=127.0.0.1",
        "PORT=0",
        "DATABASE_URL=postgres://somewhere/db",
        "LOG_FORMAT=json",
        "RUST_LOG=debug",
        "EXTRA=two words",
    ] {
        assert!(output.iter().any(|it| it == line), "{line} is not in {output:#?}");
    }
    assert!(!output.iter().any(|it| it.starts_with("CARGO")), "{output:#?}");
    let checkout = env!("CARGO_MANIFEST_DIR");
    assert!(!output.iter().any(|it| it == checkout), "{output:#?}");
}

#[test]
fn a_server_that_exits_before_it_listens_causes_a_panic_with_its_output() {
    let script = script("echo 'no such database' >&2; exit 3");
    let start = std::panic::catch_unwind(|| Server::start(&script.1, "sqlite://todos.db", &[]));
    let message = message(start.expect_err("it panics"));
    assert!(message.contains("ended before it listened"), "{message}");
    assert!(message.contains("no such database"), "{message}");
}

#[test]
fn a_terminated_server_chooses_its_exit_code() {
    let body = format!("trap 'echo bye; exit 7' TERM\n{LISTENS}while :; do sleep 0.01; done");
    let script = script(&body);
    let server = Server::start(&script.1, "sqlite://todos.db", &[]);
    server.terminate();
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(7));
    assert_eq!(server.logs().last().map(String::as_str), Some("bye"));
    server.terminate();
    server.kill();
}

#[test]
fn a_killed_server_has_ended_when_kill_returns() {
    let script = script(&format!("trap '' TERM\n{LISTENS}while :; do sleep 0.01; done"));
    let server = Server::start(&script.1, "sqlite://todos.db", &[]);
    server.terminate();
    server.kill();
    assert!(!server.is_running());
    assert!(!process::is_alive(server.pid()));
}

#[test]
fn a_dropped_server_has_ended() {
    let script = script(&format!("{LISTENS}exec sleep 60"));
    let server = Server::start(&script.1, "sqlite://todos.db", &[]);
    let pid = server.pid();
    drop(server);
    assert!(!process::is_alive(pid));
}

#[test]
fn a_command_that_exits_returns_its_output_and_status() {
    let script = script("echo \"$1 $NAME\"; echo problem >&2; exit 5");
    let envs = [("NAME", "value")];
    let output = run_to_exit(&script.1, &["--flag"], &envs, HANG_TIMEOUT);
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(output.stdout, b"--flag value\n");
    assert_eq!(output.stderr, b"problem\n");
}

#[test]
fn a_command_that_does_not_exit_is_killed_and_causes_a_panic_with_its_output() {
    let script = script("echo $$; sleep 60");
    let run = std::panic::catch_unwind(|| {
        // Enough time to write, even on a busy machine.
        run_to_exit(&script.1, &[], &[], Duration::from_secs(5)).status
    });
    let message = message(run.expect_err("it panics"));
    let pid = message.lines().last().and_then(|line| line.parse().ok()).expect("it wrote its pid");
    assert!(message.contains("still running after 5s"), "{message}");
    assert!(!process::is_alive(pid));
}
