//! `healthcheck`, as a container runs it.

use std::net::TcpListener;

use todo_test_support::clients::http::HANG_TIMEOUT;
use todo_test_support::server::Server;

use crate::support::{Output, PROGRAM, run};

fn healthcheck(host: &str, port: u16) -> Output {
    let port = port.to_string();
    run(&["healthcheck", "--timeout", "60s"], &[("HOST", host), ("PORT", &port)])
}

#[test]
fn a_ready_server_is_healthy_also_if_it_listens_on_all_addresses() {
    for (listening, asked) in [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0")] {
        let server = Server::start(PROGRAM, "sqlite::memory:", &[("HOST", listening)]);
        assert_eq!(healthcheck(asked, server.port()).succeeded(), "");
    }
}

#[test]
fn a_server_that_is_shutting_down_is_not_healthy() {
    let server = Server::start(PROGRAM, "sqlite::memory:", &[("SHUTDOWN_DELAY", "60s")]);
    healthcheck("127.0.0.1", server.port()).succeeded();
    server.terminate();
    let start = std::time::Instant::now();
    loop {
        let output = healthcheck("127.0.0.1", server.port());
        if output.code != Some(0) {
            output.failed(1, &["it responded with 503"]);
            break;
        }
        assert!(start.elapsed() < HANG_TIMEOUT, "it is still healthy");
    }
}

#[test]
fn a_server_that_is_absent_or_never_responds_is_not_healthy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let settings = [("PORT", port.to_string())];
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    run(&["healthcheck", "--timeout", "100ms"], &settings)
        .failed(1, &["not ready", "no response within 100ms"]);
    drop(listener);
    healthcheck("127.0.0.1", port).failed(1, &["not ready", "refused"]);
}
