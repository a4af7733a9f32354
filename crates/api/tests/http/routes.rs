//! Known and unknown paths and methods.

use serde_json::json;
use uuid::Uuid;

use crate::support::{Api, Response, TODOS, path_of, todo_path};

pub(crate) fn an_unknown_route_is_not_found(api: Api) {
    let id = Uuid::now_v7();
    for target in [
        "//",
        "/index.html",
        "/api",
        "/api/v1",
        "/api/v2/todos",
        "/API/v1/todos",
        "/todos",
        "/health/",
        "/health/live",
        "/openapi",
        "/docs/nothing.js",
        "/docs/../Cargo.toml",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "/api/v1/todos//",
        "//api/v1/todos",
        &format!("/api/v1/todos/{id}/"),
        &format!("/api/v1/todos/{id}/title"),
        "/api/v1/todos/stats/",
        "/api/v1/tags/",
        "/api/v1/tags/a/b",
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let raw = api.raw(method, target).header("X-User-ID", Uuid::nil().to_string());
            let response = raw.header("Content-Length", "0").send();
            match method {
                "HEAD" => assert_eq!(response.status, 404, "{target}"),
                // Paths below `/docs/` accept no other methods, whether the file exists or not.
                "GET" => drop(response.expect_error(404, "NOT_FOUND", "Resource not found")),
                _ if target.starts_with("/docs/") => {
                    response.expect_error(405, "METHOD_NOT_ALLOWED", "Method not allowed");
                }
                _ => drop(response.expect_error(404, "NOT_FOUND", "Resource not found")),
            }
        }
    }
    // An unknown route needs no caller.
    api.anonymous().get("/api/v1/users").expect_error(404, "NOT_FOUND", "Resource not found");
}

pub(crate) fn another_method_is_rejected_with_the_allowed_ones(api: Api) {
    let todo = todo_path(&Uuid::now_v7().to_string());
    for (target, allowed) in [
        (TODOS, "GET, HEAD, POST, PATCH, DELETE"),
        ("/api/v1/todos/", "GET, HEAD, POST, PATCH, DELETE"),
        ("/api/v1/todos/stats", "GET, HEAD"),
        ("/api/v1/todos/events", "GET, HEAD"),
        (todo.as_str(), "GET, HEAD, PUT, PATCH, DELETE"),
        ("/api/v1/tags", "GET, HEAD"),
        ("/api/v1/tags/home", "PATCH, DELETE"),
        ("/health", "GET, HEAD"),
        ("/health/ready", "GET, HEAD"),
        ("/", "GET, HEAD"),
        ("/favicon.ico", "GET, HEAD"),
        ("/openapi.json", "GET, HEAD"),
        ("/docs", "GET, HEAD"),
        ("/docs/", "GET, HEAD"),
    ] {
        for method in
            ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
        {
            if allowed.split(", ").any(|it| it == method) {
                continue;
            }
            let response = api.raw(method, target).header("Content-Length", "0").send();
            match method {
                "HEAD" => assert_eq!(response.status, 405, "{target}"),
                _ => drop(response.expect_error(405, "METHOD_NOT_ALLOWED", "Method not allowed")),
            }
            assert_eq!(response.header("allow"), Some(allowed), "{method} {target}");
        }
    }
}

pub(crate) fn the_collection_accepts_a_trailing_slash(api: Api) {
    let ann = api.user();
    let slashed = format!("{TODOS}/");
    let response = ann.call("POST", &slashed).json(&json!({"title": "Slashed"})).send();
    let todo = response.expect(201);
    assert_eq!(response.header("location"), Some(path_of(&todo).as_str()));
    assert_eq!(ann.items(&slashed), [todo]);
    assert_eq!(ann.delete(format!("{slashed}?all=true")).expect(200), json!({"affected": 1}));
}

pub(crate) fn head_is_get_without_a_body(api: Api) {
    let ann = api.user();
    let todo = ann.create("Ahead");
    ann.create("Another");
    let absent = todo_path(&Uuid::now_v7().to_string());
    let targets = [
        (path_of(&todo), 200),
        (TODOS.to_owned(), 200),
        (format!("{TODOS}?limit=1"), 200),
        (format!("{TODOS}/stats"), 200),
        ("/api/v1/tags".to_owned(), 200),
        ("/health".to_owned(), 200),
        ("/health/ready".to_owned(), 200),
        ("/openapi.json".to_owned(), 200),
        ("/".to_owned(), 307),
        ("/favicon.ico".to_owned(), 200),
        ("/docs".to_owned(), 200),
        ("/docs/swagger-ui.css".to_owned(), 200),
        (absent, 404),
        (todo_path("17"), 400),
        (format!("{TODOS}?limit=0"), 422),
        ("/nowhere".to_owned(), 404),
    ];
    for (target, status) in targets {
        let (get, head) =
            (ann.call("GET", &target).send_unchecked(), ann.call("HEAD", &target).send_unchecked());
        assert_eq!((get.status, head.status), (status, status), "{target}");
        assert_eq!(lasting(&head), lasting(&get), "{target}");
        assert_eq!(head.header("content-length"), Some(&*get.body.len().to_string()), "{target}");
        assert!(head.body.is_empty(), "{target}");
    }
    let unchanged = ann.call("HEAD", path_of(&todo)).header("If-None-Match", "\"1\"").send();
    assert_eq!(unchanged.status, 304);
}

/// The headers that are the same in every response.
fn lasting(response: &Response) -> Vec<(String, String)> {
    let mut headers = response.headers.clone();
    headers.retain(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    headers.sort();
    headers
}
