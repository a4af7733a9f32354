//! Malformed bodies and framing.

use super::{TestServer, get, post, post_with};
use crate::support::http::Connection;

/// The server's limit.
const MAX_BODY: usize = 64 * 1024;

#[test]
fn unusual_json_is_rejected_or_accepted_unchanged() {
    let target = TestServer::new();
    let nested = |field: &str| {
        format!(r#"{{"title":"a","{field}":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000))
    };
    target.expect(422, post(nested("description")));
    // An ignored value is skipped without recursion, however deep it is.
    target.expect(201, post(nested("version")));
    target.expect(422, post(nested("unknown")));
    for body in [
        &br#"{"title":"a","title":"b"}"#[..],
        br#"{"title":1e999999}"#,
        br#"{"title":123456789012345678901234567890}"#,
        br#"{"title":"\ud800"}"#,
        br#"{"title":"\udc00\ud800"}"#,
        b"{\"title\":\"\xff\"}",
        b"{\"title\":\"\xed\xa0\x80\"}",
        b"{\"title\":\"\xc0\xaf\"}",
        b"{\"title\":\"a\0\"}",
        br#"{"title":"a\u0000"}"#,
        b"\xef\xbb\xbf{\"title\":\"a\"}",
        b"\xff\xfe{\0}\0",
        br#"{"title":"a"}{"title":"b"}"#,
        br#"{"title":"a",}"#,
        br"{'title':'a'}",
        br#"{"title":NaN}"#,
        b"{\"title\":\"a\nb\"}",
        br#"["a",null]"#,
        br#""a""#,
        b"null",
        b"{",
        b"",
        b"\0",
    ] {
        let response = target.expect(422, post(body));
        assert_eq!(response.json()["error_code"], "VALIDATION_ERROR");
    }
    for numbers in ["1e999999", "-0", &"9".repeat(5_000)] {
        target.expect(201, post(format!(r#"{{"title":"a","version":{numbers}}}"#)));
    }
}

#[test]
fn a_body_is_read_up_to_its_limit_and_no_further() {
    let target = TestServer::new();
    let of_length = |length: usize| format!("{{\"title\":\"a\"{}}}", " ".repeat(length - 13));
    target.expect(201, post(of_length(MAX_BODY)));
    target.expect(413, post(of_length(MAX_BODY + 1)));
    // Rejected by its announced length.
    target.expect(413, post_with("Content-Length: 18446744073709551615\r\n", ""));
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    let endless = post_with("Transfer-Encoding: chunked\r\n", chunk.repeat(32));
    target.expect(413, endless);
    let whole = format!("d\r\n{}\r\n0\r\n\r\n", of_length(13));
    target.expect(201, post_with("Transfer-Encoding: chunked\r\n", whole));
    // Compressed bodies are not decompressed, which rules out decompression bombs.
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"] {
        let headers = format!("Content-Encoding: {encoding}\r\nContent-Length: 3\r\n");
        target.expect(415, post_with(&headers, b"\x1f\x8b\x08"));
    }
}

#[test]
fn a_request_with_an_ambiguous_length_is_rejected_and_nothing_after_it_is_read() {
    let target = TestServer::new();
    let smuggled = format!("0\r\n\r\n{}", get("/health", ""));
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "X: a\r\n Transfer-Encoding: chunked\r\n",
    ] {
        let request = post_with(headers, &smuggled);
        target.expect_bare(400, &request);
        let mut connection = Connection::open(target.server.port()).unwrap();
        let _ = connection.send(&request);
        // A reset after the response is acceptable.
        let responses = String::from_utf8_lossy(&connection.rest()).into_owned();
        assert_eq!(responses.matches("HTTP/1.1 ").count(), 1, "{headers}\n{responses}");
    }
    for chunks in ["zz\r\n{}\r\n", "fffffffffffffffff\r\n{}", "-1\r\n{}\r\n", "\r\n{}\r\n"] {
        let response = target.send(post_with("Transfer-Encoding: chunked\r\n", chunks));
        assert!(matches!(response.status, 400 | 422), "{chunks:?}: {response:?}");
    }
}
