//! The listener of the metrics.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;
use todo_test_support::clients::http::{Client, HANG_TIMEOUT};
use todo_test_support::program::skipped;
use todo_test_support::server::Server;

use crate::support::{PROGRAM, run};

const ON: (&str, &str) = ("METRICS_ADDRESS", "127.0.0.1:0");

/// The URL in the log line that says where metrics are served.
fn url(server: &Server) -> Option<String> {
    let lines = server.logs().into_iter().map(|it| serde_json::from_str::<Value>(&it).unwrap());
    let mut lines = lines.filter(|it| it["fields"]["message"] == "serving metrics");
    Some(lines.next()?["fields"]["url"].as_str()?.to_owned())
}

fn client(url: &str) -> Client {
    let address = url.trim_start_matches("http://").trim_end_matches("/metrics");
    Client::of(address.parse().unwrap(), "")
}

/// How many TCP sockets a server listens on.
fn listening_sockets(server: &Server) -> usize {
    let process = format!("/proc/{}", server.pid());
    let files = fs::read_dir(Path::new(&process).join("fd")).unwrap();
    let links = files.filter_map(|it| fs::read_link(it.unwrap().path()).ok());
    let own: Vec<_> = links.map(|it| it.display().to_string()).collect();
    let sockets = fs::read_to_string(Path::new(&process).join("net/tcp")).unwrap();
    let sockets = sockets.lines().skip(1).map(|it| it.split_whitespace().collect::<Vec<_>>());
    // The fourth column is the state, 0A for listening; the tenth the inode.
    let listening =
        sockets.filter(|it| it[3] == "0A" && own.contains(&format!("socket:[{}]", it[9])));
    listening.count()
}

#[test]
fn metrics_are_off_by_default() {
    if !Path::new("/proc/self/net/tcp").exists() {
        return skipped("listening sockets", "there is no /proc/self/net/tcp");
    }
    let server = Server::start(PROGRAM, "sqlite::memory:", &[]);
    assert_eq!(listening_sockets(&server), 1);
    assert_eq!(url(&server), None);
    let measured = Server::start(PROGRAM, "sqlite::memory:", &[ON]);
    assert_eq!(listening_sockets(&measured), 2);
}

#[test]
fn metrics_have_a_listener_of_their_own() {
    let server = Server::start(PROGRAM, "sqlite::memory:", &[ON]);
    let mut metrics = client(&url(&server).unwrap());
    assert_eq!(metrics.get("/metrics").unwrap().status, 200);
    for path in ["/", "/health", "/api/v1/todos", "/metrics/"] {
        assert_eq!(metrics.get(path).unwrap().status, 404, "{path}");
    }
    assert_eq!(metrics.call("POST", "/metrics", None).unwrap().status, 404);
    assert_eq!(Client::new(server.port(), "").get("/metrics").unwrap().status, 404);
}

#[test]
fn a_scrape_succeeds_when_the_connections_are_exhausted() {
    let settings = [ON, ("MAX_CONNECTIONS", "1"), ("HTTP_WORKERS", "1")];
    let server = Server::start(PROGRAM, "sqlite::memory:", &settings);
    let mut only = Client::new(server.port(), "");
    only.get("/health").unwrap().expect(200);
    let text = client(&url(&server).unwrap()).get("/metrics").unwrap().text();
    assert!(text.contains("http_server_open_connections 1\n"), "{text}");
    assert!(text.contains("http_server_max_connections 1\n"), "{text}");
}

#[test]
fn the_listener_stops_with_the_server() {
    let server = Server::start(PROGRAM, "sqlite::memory:", &[ON]);
    let url = url(&server).unwrap();
    let mut idle = client(&url);
    idle.get("/metrics").unwrap();
    server.terminate();
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    assert_eq!(server.stderr(), Vec::<String>::new());
    assert!(client(&url).get("/metrics").is_err());
}

#[test]
fn an_address_that_is_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let environment = [("DATABASE_URL", "sqlite::memory:"), ("METRICS_ADDRESS", address.as_str())];
    run(&[], &environment).failed(1, &["METRICS_ADDRESS", &address, "in use"]);
}
