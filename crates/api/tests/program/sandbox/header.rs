//! Faults that one request asks for by `X-Sandbox`.

use std::time::{Duration, Instant};

use todo_test_support::server::Server;

use super::{GRACE, LINUS, Sandbox, TODOS, call, path, todo};
use crate::support::PROGRAM;

#[test]
fn a_request_fails_with_the_status_that_it_asks_for_and_has_not_acted() {
    let sandbox = Sandbox::start("");
    for (status, code, header) in [
        (400, "MISSING_USER_CONTEXT", None),
        (404, "NOT_FOUND", None),
        (405, "METHOD_NOT_ALLOWED", Some("allow")),
        (408, "VALIDATION_ERROR", None),
        (412, "PRECONDITION_FAILED", None),
        (413, "PAYLOAD_TOO_LARGE", None),
        (415, "UNSUPPORTED_MEDIA_TYPE", None),
        (422, "VALIDATION_ERROR", None),
        (500, "SERVER_ERROR", None),
        (503, "SERVICE_UNAVAILABLE", Some("retry-after")),
    ] {
        let asked = format!("status={status}");
        let headers = [("X-User-ID", LINUS), ("X-Sandbox", &asked)];
        let answer = sandbox.call("PUT", &path(1), &headers, Some(&todo())).unwrap();
        assert_eq!((answer.status, &answer.body["error_code"]), (status, &code.into()));
        assert_eq!(answer.body["status"], status);
        assert_eq!(answer.body["request_id"].as_str(), answer.header("x-request-id"));
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{status}");
        assert!(header.is_none_or(|name| answer.header(name).is_some()), "{status}");
    }
    assert_eq!(sandbox.total(LINUS), 0);
}

#[test]
fn a_lost_answer_sends_no_byte_of_what_was_done() {
    let sandbox = Sandbox::start("");
    let lost = "X-Sandbox: lose-answer\r\n";
    let body = todo().to_string();
    assert_eq!(sandbox.exchange(&format!("PUT {}", path(1)), lost, &body), b"");
    let todos = sandbox.get(LINUS, TODOS);
    assert_eq!(todos["items"][0]["title"], "From a test");
    for line in [
        format!("HEAD {}", path(1)),
        format!("GET {}", path(1)),
        format!("GET {}", path(2)),
        "GET /nowhere".to_owned(),
        "GET /docs/swagger-ui-bundle.js".to_owned(),
        format!("PATCH {}", path(1)),
    ] {
        assert_eq!(sandbox.exchange(&line, lost, ""), b"", "{line}");
    }
    // Without a body in the answer, too.
    assert_eq!(sandbox.exchange(&format!("DELETE {}", path(1)), lost, ""), b"");
    assert_eq!(sandbox.total(LINUS), 0);
    // A list that is sent in parts.
    let headers = [("X-User-ID", GRACE), ("X-Sandbox", "lose-answer")];
    assert!(sandbox.call("GET", TODOS, &headers, None).is_none());
}

/// A browser repeats a request by itself when the connection was used before: see `Settings::for_sandbox`.
#[test]
fn no_connection_is_used_twice() {
    let sandbox = Sandbox::start("");
    for target in ["/health", "/docs", TODOS] {
        let answer = sandbox.exchange(&format!("GET {target}"), "", "");
        let head = String::from_utf8_lossy(&answer).to_lowercase();
        assert!(head.contains("\r\nconnection: close\r\n"), "{target}: {head}");
    }
}

#[test]
fn an_answer_takes_as_long_as_its_request_asks_for() {
    let sandbox = Sandbox::start("");
    for asked in ["latency=400ms", "latency=400ms..500ms", "latency=400ms, status=503"] {
        let headers = [("X-User-ID", LINUS), ("X-Sandbox", asked)];
        let start = Instant::now();
        let answer = sandbox.call("GET", TODOS, &headers, None).unwrap();
        assert_eq!(answer.status, if asked.contains("status") { 503 } else { 200 });
        // Never sooner; how much later depends on the machine.
        assert!(start.elapsed() >= Duration::from_millis(400), "{asked}: {:?}", start.elapsed());
    }
}

#[test]
fn a_failure_can_be_lost_too() {
    let sandbox = Sandbox::start("");
    let asked = "X-Sandbox: status=503, lose-answer\r\n";
    let body = todo().to_string();
    assert_eq!(sandbox.exchange(&format!("PUT {}", path(1)), asked, &body), b"");
    assert_eq!(sandbox.total(LINUS), 0);
}

#[test]
fn what_asks_for_a_fault_has_no_other() {
    let sandbox = Sandbox::start("--fail-rate 1 --lose-answers 1 --latency 60s");
    let headers = [("X-User-ID", LINUS), ("X-Sandbox", "status=404")];
    assert_eq!(sandbox.call("GET", TODOS, &headers, None).unwrap().status, 404);
    assert_eq!(sandbox.total(LINUS), 0);
}

#[test]
fn what_cannot_be_read_is_refused_with_all_that_can() {
    let sandbox = Sandbox::start("");
    for value in ["", "lose", "status=200", "status=418", "latency=2m", "lose-answer,lose-answer"] {
        let headers = [("X-User-ID", LINUS), ("X-Sandbox", value)];
        let answer = sandbox.call("PUT", &path(1), &headers, Some(&todo())).unwrap();
        assert_eq!((answer.status, &answer.body["error_code"]), (422, &"VALIDATION_ERROR".into()));
        assert_eq!(answer.body["field_errors"][0]["field"], "X-Sandbox", "{value}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    assert_eq!(sandbox.total(LINUS), 0);
}

#[test]
fn other_servers_know_nothing_of_it() {
    let settings = [("DATABASE_TIMEOUT", "30s"), ("CORS_ALLOWED_ORIGINS", "*")];
    let server = Server::start(PROGRAM, "sqlite::memory:", &settings);
    for value in ["status=503", "latency=60s", "lose-answer", "nonsense", ""] {
        let headers = [("X-User-ID", LINUS), ("X-Sandbox", value)];
        let answer = call(&server, "GET", TODOS, &headers, None).unwrap();
        assert_eq!((answer.status, &answer.body["count"]), (200, &0.into()), "{value}");
        assert_ne!(answer.header("connection"), Some("close"));
    }
    let preflight = |headers: &str| {
        let asked =
            [("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", headers)];
        call(&server, "OPTIONS", TODOS, &asked, None).unwrap().status
    };
    assert_eq!((preflight("x-user-id"), preflight("x-user-id,x-sandbox")), (200, 400));
}
