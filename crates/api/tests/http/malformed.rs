//! Requests that are not HTTP: actix-http rejects them before any route is known, without a body.

use todo_test_support::clients::http::Connection;

use crate::support::Api;

/// Sends these bytes and reads until the server closes the connection.
fn exchange(api: &Api, bytes: &[u8]) -> Vec<u8> {
    let mut connection = Connection::open(api.server.port()).unwrap();
    // The server may respond and close before it has read everything.
    let _ = connection.send(bytes);
    connection.rest()
}

pub(crate) fn what_is_not_http_is_a_400(api: Api) {
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello, TLS \r\n\r\n"[..],
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /health HTTP/9.9\r\nHost: test\r\n\r\n",
        "GET /health?q=\u{e4} HTTP/1.1\r\nHost: test\r\n\r\n".as_bytes(),
        b"GET /he alth HTTP/1.1\r\nHost: test\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: test\r\nX-Request-ID: \x1b[31mred\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: test\r\nno colon\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: test\r\nNa me: value\r\n\r\n",
        b"POST /api/v1/todos HTTP/1.1\r\nHost: test\r\nContent-Length: many\r\n\r\n",
        b"POST /api/v1/todos HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n",
    ] {
        let response = exchange(&api, bytes);
        let response = String::from_utf8_lossy(&response);
        assert!(response.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{response}");
    }
    api.anonymous().get("/health").expect(200);
}

pub(crate) fn an_ambiguous_length_smuggles_no_request(api: Api) {
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";
    for lengths in [
        format!("Content-Length: 0\r\nContent-Length: {}", smuggled.len()),
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked", smuggled.len()),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}", smuggled.len()),
        "Transfer-Encoding: chunked, identity".to_owned(),
        "Transfer-Encoding: \u{b}chunked".to_owned(),
    ] {
        let head = format!("POST /api/v1/todos HTTP/1.1\r\nHost: test\r\n{lengths}\r\n\r\n");
        let responses = exchange(&api, format!("{head}{smuggled}").as_bytes());
        let responses = String::from_utf8_lossy(&responses);
        assert!(responses.starts_with("HTTP/1.1 4"), "{lengths}: {responses}");
        assert!(!responses.contains(" 404 "), "{lengths}: {responses}");
    }
}

pub(crate) fn an_endless_head_is_rejected(api: Api) {
    let endless = format!("GET /health HTTP/1.1\r\nHost: test\r\nX-Long: {}", "x".repeat(300_000));
    let response = exchange(&api, endless.as_bytes());
    // A connection reset may lose the response.
    assert!(response.is_empty() || response.starts_with(b"HTTP/1.1 4"), "{response:?}");
    api.anonymous().get("/health").expect(200);
}

pub(crate) fn earlier_pipelined_requests_are_answered(api: Api) {
    let responses = exchange(&api, b"GET /health HTTP/1.1\r\nHost: test\r\n\r\nhello\r\n\r\n");
    let responses = String::from_utf8_lossy(&responses);
    let (first, second) = responses.split_once("HTTP/1.1 400").unwrap();
    assert!(first.starts_with("HTTP/1.1 200") && first.contains("healthy"), "{first}");
    assert!(second.ends_with("\r\n\r\n"), "{second}");
}
