//! Faults that a request asks for with `X-Sandbox`.

use std::time::{Duration, Instant};

use todo_test_support::server::Server;

use super::{GRACE, LINUS, Sandbox, TODOS, call, path, todo};
use crate::support::PROGRAM;

#[test]
fn a_request_fails_with_the_requested_status_and_has_no_effect() {
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
        (429, "TOO_MANY_REQUESTS", Some("retry-after")),
        (500, "SERVER_ERROR", None),
        (503, "SERVICE_UNAVAILABLE", Some("retry-after")),
    ] {
        let requested = format!("status={status}");
        let headers = [("X-User-ID", LINUS), ("X-Sandbox", &requested)];
        let response = sandbox.call("PUT", &path(1), &headers, Some(&todo())).unwrap();
        assert_eq!((response.status, &response.json()["error_code"]), (status, &code.into()));
        assert_eq!(response.json()["status"], status);
        assert_eq!(response.json()["request_id"].as_str(), response.header("x-request-id"));
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        assert_eq!(response.header("access-control-allow-origin"), Some("*"), "{status}");
        assert!(header.is_none_or(|name| response.header(name).is_some()), "{status}");
    }
    assert_eq!(sandbox.total(LINUS), 0);
}

#[test]
fn a_lost_response_sends_no_byte_but_the_request_is_executed() {
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
    // Also if the response has no body.
    assert_eq!(sandbox.exchange(&format!("DELETE {}", path(1)), lost, ""), b"");
    assert_eq!(sandbox.total(LINUS), 0);
    // A list that is streamed.
    let headers = [("X-User-ID", GRACE), ("X-Sandbox", "lose-answer")];
    assert!(sandbox.call("GET", TODOS, &headers, None).is_none());
}

/// Browsers retry a request automatically if its connection was used before: see `Settings::for_sandbox`.
#[test]
fn no_connection_is_used_twice() {
    let sandbox = Sandbox::start("");
    for target in ["/health", "/docs", TODOS] {
        let response = sandbox.exchange(&format!("GET {target}"), "", "");
        let head = String::from_utf8_lossy(&response).to_lowercase();
        assert!(head.contains("\r\nconnection: close\r\n"), "{target}: {head}");
    }
}

#[test]
fn a_response_takes_as_long_as_requested() {
    let sandbox = Sandbox::start("");
    for requested in ["latency=400ms", "latency=400ms..500ms", "latency=400ms, status=503"] {
        let headers = [("X-User-ID", LINUS), ("X-Sandbox", requested)];
        let start = Instant::now();
        let response = sandbox.call("GET", TODOS, &headers, None).unwrap();
        assert_eq!(response.status, if requested.contains("status") { 503 } else { 200 });
        // Never sooner; how much later depends on the machine.
        assert!(
            start.elapsed() >= Duration::from_millis(400),
            "{requested}: {:?}",
            start.elapsed()
        );
    }
}

#[test]
fn a_failure_can_be_lost_too() {
    let sandbox = Sandbox::start("");
    let requested = "X-Sandbox: status=503, lose-answer\r\n";
    let body = todo().to_string();
    assert_eq!(sandbox.exchange(&format!("PUT {}", path(1)), requested, &body), b"");
    assert_eq!(sandbox.total(LINUS), 0);
}

#[test]
fn a_requested_fault_replaces_those_of_the_flags() {
    let sandbox = Sandbox::start("--fail-rate 1 --lose-answers 1 --latency 60s");
    let headers = [("X-User-ID", LINUS), ("X-Sandbox", "status=404")];
    assert_eq!(sandbox.call("GET", TODOS, &headers, None).unwrap().status, 404);
    assert_eq!(sandbox.total(LINUS), 0);
}

#[test]
fn an_invalid_header_is_rejected() {
    let sandbox = Sandbox::start("");
    for value in ["", "lose", "status=200", "status=418", "latency=2m", "lose-answer,lose-answer"] {
        let headers = [("X-User-ID", LINUS), ("X-Sandbox", value)];
        let response = sandbox.call("PUT", &path(1), &headers, Some(&todo())).unwrap();
        assert_eq!(
            (response.status, &response.json()["error_code"]),
            (422, &"VALIDATION_ERROR".into())
        );
        assert_eq!(response.json()["field_errors"][0]["field"], "X-Sandbox", "{value}");
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    }
    assert_eq!(sandbox.total(LINUS), 0);
}

#[test]
fn other_servers_ignore_the_header() {
    let settings = [("DATABASE_TIMEOUT", "30s"), ("CORS_ALLOWED_ORIGINS", "*")];
    let server = Server::start(PROGRAM, "sqlite::memory:", &settings);
    for value in ["status=503", "latency=60s", "lose-answer", "nonsense", ""] {
        let headers = [("X-User-ID", LINUS), ("X-Sandbox", value)];
        let response = call(&server, "GET", TODOS, &headers, None).unwrap();
        assert_eq!((response.status, &response.json()["count"]), (200, &0.into()), "{value}");
        assert_ne!(response.header("connection"), Some("close"));
    }
    let preflight = |headers: &str| {
        let requested =
            [("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", headers)];
        call(&server, "OPTIONS", TODOS, &requested, None).unwrap().status
    };
    assert_eq!((preflight("x-user-id"), preflight("x-user-id,x-sandbox")), (200, 400));
}
