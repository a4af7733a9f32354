//! Traces: what happens to them when the program ends, and what it says about the collector.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use todo_test_support::clients::http::{Client, HANG_TIMEOUT};
use todo_test_support::collector::{Behaviour, Collector};
use todo_test_support::program::skipped;
use todo_test_support::server::Server;

use crate::support::{PROGRAM, run};

const USER: &str = "550e8400-e29b-41d4-a716-446655440000";

/// Starts a server that sends traces to a collector, and creates todos.
fn start(collector: &Collector, settings: &[(&str, &str)], todos: usize) -> Server {
    let endpoint = collector.endpoint();
    let settings = [&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())], settings].concat();
    let server = Server::start(PROGRAM, "sqlite::memory:", &settings);
    let mut client = Client::new(server.port(), USER);
    for _ in 0..todos {
        let todo = json!({"title": "A todo"});
        client.call("POST", "/api/v1/todos", Some(&todo)).unwrap().expect(201);
    }
    server
}

#[test]
fn the_last_spans_are_sent_when_the_server_stops() {
    let collector = Collector::start();
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20geheim");
    let name = ("OTEL_SERVICE_NAME", "todos-of-test");
    // So that nothing is sent before.
    let server = start(&collector, &[("OTEL_BSP_SCHEDULE_DELAY", "3600000"), headers, name], 3);
    assert_eq!(collector.heads(), Vec::<String>::new());
    server.terminate();
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    let spans = collector.spans();
    assert_eq!(spans.iter().filter(|it| it.name == "POST /api/v1/todos").count(), 3);
    assert_eq!(spans.len(), 9, "{spans:#?}");
    assert!(spans.iter().all(|it| it.attribute("service.name") == "todos-of-test"), "{spans:#?}");
    let heads = collector.heads();
    let [head] = heads.as_slice() else { panic!("{heads:#?}") };
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: Bearer geheim\r\n"), "{head}");
    assert!(!server.logs().join("\n").contains("geheim"), "{:#?}", server.logs());
}

#[test]
fn lines_of_the_access_log_name_the_trace() {
    let collector = Collector::start();
    let server = start(&collector, &[("LOG_REQUESTS", "true")], 3);
    server.terminate();
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    let lines = server.logs();
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines = lines.filter(|line| line["target"] == "todo_api::access");
    let logged: BTreeSet<_> =
        lines.map(|it| it["fields"]["trace_id"].as_str().unwrap().to_owned()).collect();
    let sent: BTreeSet<_> = collector.spans().into_iter().map(|it| it.trace_id).collect();
    assert_eq!(logged.len(), 3);
    assert_eq!(logged, sent);
}

#[test]
fn a_collector_that_never_answers_does_not_hold_up_the_end() {
    let collector = Collector::start();
    collector.behave(Behaviour::Hangs);
    // One request for each of the 300 spans, which each take 10 s to fail: to wait for all would take 50 minutes.
    let settings = [("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"), ("RUST_LOG", "info")];
    let server = start(&collector, &settings, 100);
    collector.wait_for_request();
    server.terminate();
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    assert_eq!(collector.spans().len(), 0);
}

/// Whether a server has the thread that sends spans. Linux truncates the names of threads.
fn has_thread(server: &Server) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    let names = threads.map(|it| fs::read_to_string(it.unwrap().path().join("comm")));
    // A thread that has ended in the meantime has no name.
    names.flatten().any(|name| name.starts_with("OpenTelemetry"))
}

#[test]
fn without_an_endpoint_there_is_no_thread_for_traces() {
    if !Path::new("/proc/self/task").exists() {
        return skipped("threads", "there is no /proc/self/task");
    }
    let off = Server::start(PROGRAM, "sqlite::memory:", &[("OTEL_SERVICE_NAME", "todos")]);
    let endpoint = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/v1/traces");
    let on = Server::start(PROGRAM, "sqlite::memory:", &[endpoint]);
    let start = Instant::now();
    // A thread names itself when it runs for the first time.
    while !has_thread(&on) {
        assert!(start.elapsed() < HANG_TIMEOUT, "there is no thread");
    }
    assert!(!has_thread(&off));
    let says = |server: &Server| server.logs().join("\n").contains("sending traces");
    assert_eq!([says(&off), says(&on)], [false, true]);
}

#[test]
fn an_invalid_setting_does_not_show_a_secret() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_HEADERS", "geheim"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=geheim,b"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:geheim@127.0.0.1:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "127.0.0.1:4318/geheim"),
    ] {
        run(&[], &[("DATABASE_URL", "sqlite::memory:"), (name, value)]).failed(2, &[name]);
    }
}
