use super::Received;

const LENGTH: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"1\"\r\n\r\nhello";
const CHUNKS: &[u8] = b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n\
                        5\r\nhello\r\n1;a=b\r\n \r\nA\r\n0123\r\n6789\r\n0\r\n\r\n";

fn received(bytes: &[u8]) -> Received {
    let mut received = Received::default();
    received.buffer().extend_from_slice(bytes);
    received
}

#[test]
fn a_response_is_complete_with_its_last_byte_however_it_arrives() {
    for (bytes, body) in [(LENGTH, &b"hello"[..]), (CHUNKS, b"hello 0123\r\n6789")] {
        let mut received = Received::default();
        for (index, byte) in bytes.iter().enumerate() {
            assert!(!received.is_complete(false).unwrap(), "{index}");
            received.buffer().push(*byte);
        }
        assert!(received.is_complete(false).unwrap());
        assert_eq!(received.response().body, body);
    }
}

#[test]
fn names_of_headers_are_in_lower_case() {
    let mut received = received(LENGTH);
    assert!(received.is_complete(false).unwrap());
    let response = received.response();
    assert_eq!((response.status, response.reason.as_str()), (200, "OK"));
    assert_eq!(response.header("etag"), Some("\"1\""));
    assert_eq!(response.header("absent"), None);
}

#[test]
fn what_follows_a_response_is_the_next_one() {
    let mut received =
        received(&[LENGTH, CHUNKS, b"HTTP/1.1 204 No Content\r\n\r\n", LENGTH].concat());
    for status in [200, 201, 204, 200] {
        assert!(received.is_complete(false).unwrap());
        assert_eq!(received.status(), status);
        received.remove_first();
    }
    assert!(!received.is_complete(false).unwrap());
}

#[test]
fn responses_without_a_body_end_with_their_head() {
    let mut head = received(&LENGTH[..LENGTH.len() - 5]);
    assert!(head.is_complete(true).unwrap());
    assert_eq!(head.response().header("content-length"), Some("5"));
    let mut unchanged = received(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
    assert!(unchanged.is_complete(false).unwrap());
    assert_eq!(unchanged.response().body, b"");
}

#[test]
fn interim_responses_are_skipped() {
    let mut received = received(&[b"HTTP/1.1 100 Continue\r\n\r\n", LENGTH].concat());
    assert!(received.is_complete(false).unwrap());
    assert_eq!(received.status(), 200);
}

#[test]
fn only_a_response_with_connection_close_closes_the_connection() {
    for (header, closes) in [("Connection: Close\r\n", true), ("Connection: x\r\n", false)] {
        let mut received = received(format!("HTTP/1.1 204 \r\n{header}\r\n").as_bytes());
        assert!(received.is_complete(false).unwrap());
        assert_eq!(received.closes_connection(), closes);
    }
}

#[test]
fn an_invalid_response_is_an_error() {
    let head = |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}\r\n0123456789\r\n");
    for bytes in [
        "hello\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n".to_owned(),
        head(""),
        head("Content-Length: five\r\n"),
        head("Content-Length: -5\r\n"),
        head("Content-Length: 99999999999999999999\r\n"),
        head("Content-Length: 5\r\nContent-Length: 5\r\n"),
        head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        head("Transfer-Encoding: gzip\r\n"),
        format!("{}ghi\r\n", &String::from_utf8_lossy(CHUNKS)[..CHUNKS.len() - 5]),
        String::from_utf8_lossy(CHUNKS).replace("hello", "hello!"),
        String::from_utf8_lossy(CHUNKS).replace("0\r\n\r\n", "0\r\nTrailer: x\r\n\r\n"),
        String::from_utf8_lossy(CHUNKS).replace("0\r\n\r\n", "ffffffffffffffffff\r\n"),
    ] {
        assert!(received(bytes.as_bytes()).is_complete(false).is_err(), "{bytes}");
    }
}
