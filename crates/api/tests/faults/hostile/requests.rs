//! Malformed request lines and headers.

use super::{TODOS, TestServer, USER, get, post};

#[test]
fn unusual_and_repeated_user_ids_are_rejected() {
    let target = TestServer::new();
    let as_user = |user: &[u8]| {
        let head = format!("GET {TODOS} HTTP/1.1\r\nHost: test\r\nX-User-ID: ");
        [head.as_bytes(), user, b"\r\n\r\n"].concat()
    };
    target.expect(200, as_user(USER.as_bytes()));
    target.expect(200, as_user(USER.to_uppercase().as_bytes()));
    for user in ["", " ", "\t"] {
        let response = target.expect(400, as_user(user.as_bytes()));
        assert_eq!(response.json()["error_code"], "MISSING_USER_CONTEXT", "{user:?}");
    }
    let malformed = [
        format!("{USER}, {USER}"),
        format!("{{{USER}}}"),
        format!("urn:uuid:{USER}"),
        USER.replace('-', ""),
        format!("{USER}\u{a0}"),
        format!("{USER}0"),
        "%35".to_owned() + &USER[1..],
        "*".to_owned(),
        "' OR 1=1 --".to_owned(),
    ];
    for user in malformed.iter().map(String::as_bytes).chain([&b"\xff\xfe"[..]]) {
        let response = target.expect(400, as_user(user));
        assert_eq!(response.json()["error_code"], "VALIDATION_ERROR", "{user:?}");
    }
    target.expect(400, get(TODOS, &format!("X-User-ID: {USER}\r\n")));
    target.expect(400, get(TODOS, "x-user-id: 660e8400-e29b-41d4-a716-446655440000\r\n"));
}

#[test]
fn unusual_paths_are_not_found() {
    let target = TestServer::new();
    for path in [
        "//api/v1/todos",
        "/api/v1//todos",
        "/api/v1/todos%2f",
        "/api%2fv1%2ftodos",
        "/api/v1/../../health",
        "/%2e%2e/health",
        "/docs/..%2f..%2fetc/passwd",
        "/docs/../../etc/passwd",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "/api/v1/todos/x/y",
        "/API/V1/TODOS",
        "*",
        "health",
    ] {
        let response = target.expect(404, get(path, ""));
        assert_eq!(response.json()["error_code"], "NOT_FOUND", "{path}");
    }
    for id in ["..%2f..%2fhealth", "%2e%2e", "%00", "%ff", "%", "%zz", "a%2fb", "' OR 1=1 --"] {
        let id = id.replace(' ', "%20");
        let response = target.expect(400, get(&format!("{TODOS}/{id}"), ""));
        assert_eq!(response.json()["detail"], "Invalid todo ID format", "{id}");
    }
    for query in
        ["q=a%00b", "limit=1&limit=2", "limit=%31%30%30%30", "is_completed=TRUE", "cursor=%ff"]
    {
        target.expect(422, get(&format!("{TODOS}?{query}"), ""));
    }
}

#[test]
fn what_is_not_http_is_rejected_without_a_body() {
    let target = TestServer::new();
    for request in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/1.9\r\nHost: test\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nx y: z\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nx: a\0b\r\n\r\n",
        b"GET /he alth HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let response = target.expect_bare(400, request);
        assert_eq!(response.header("connection"), Some("close"));
    }
    for headers in ["x: y\r\n".repeat(200), format!("x: {}\r\n", "y".repeat(200_000))] {
        target.expect_bare(431, get("/health", &headers));
    }
    // At the maximum length that the parser accepts, and longer.
    target.expect_bare(400, get(&format!("/{}", "a".repeat(70_000)), ""));
    target.expect_bare(431, get(&format!("/{}", "a".repeat(200_000)), ""));
    for method in ["TRACE", "CONNECT", "OPTIONS", "FOO", "get"] {
        let request = get(TODOS, "").replacen("GET", method, 1);
        assert!(target.expect(405, request).header("allow").is_some(), "{method}");
    }
}

#[test]
fn arbitrary_bytes_do_not_harm_the_server() {
    let target = TestServer::new();
    for byte in 0..=255_u8 {
        for request in [
            [b"GET /".as_slice(), &[byte], b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"]
                .concat(),
            [b"GET /health HTTP/1.1\r\nHost: a\r\nx: ".as_slice(), &[byte], b"\r\n\r\n"].concat(),
            post([b"{\"title\":\"".as_slice(), &[byte], b"\"}"].concat()),
        ] {
            let response = target.send(&request);
            assert!(matches!(response.status, 200..500), "{byte}: {response:?}");
        }
    }
    target.expect(200, get(TODOS, ""));
}
