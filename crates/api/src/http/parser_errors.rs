//! The answers that the HTTP parser gives itself, before any of our layers: a bare status. They get the one shape
//! of errors.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::Bytes;

use super::envelope::{PROBLEM_JSON, finish_headers};
use super::request_id::RequestId;
use crate::error::ApiError;

/// More than a bare answer is long.
const LONGEST: usize = 256;

/// Where in what is to be written one of the parser's answers is. It is always the last.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// Nowhere.
    None,
    /// Behind so many other bytes.
    After(usize),
    /// It is all there is; this is to be written instead.
    Error(Bytes),
}

/// Looks for one of the parser's answers: it has no body, and none of our headers.
pub(super) fn split(bytes: &[u8]) -> Split {
    if !bytes.ends_with(b"\r\n\r\n") {
        return Split::None;
    }
    let from = bytes.len().saturating_sub(LONGEST);
    let tail = &bytes[from..];
    let Some(start) = tail.windows(10).rposition(|it| it == b"HTTP/1.1 4" || it == b"HTTP/1.0 4")
    else {
        return Split::None;
    };
    let Some((status, detail)) = parser_error(&tail[start..]) else { return Split::None };
    if from + start > 0 {
        return Split::After(from + start);
    }
    Split::Error(written(status, detail))
}

fn parser_error(head: &[u8]) -> Option<(StatusCode, &'static str)> {
    let head = str::from_utf8(head).ok()?.to_ascii_lowercase();
    if !head.contains("\r\ncontent-length: 0\r\n") || head.contains("\r\nx-request-id:") {
        return None;
    }
    let status = StatusCode::from_bytes(head.as_bytes().get(9..12)?).ok()?;
    let detail = match status {
        StatusCode::BAD_REQUEST => "The request is not valid HTTP/1.1",
        StatusCode::REQUEST_TIMEOUT => "The request did not arrive in time",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            "The request's headers are too many or too long"
        }
        _ => return None,
    };
    Some((status, detail))
}

fn written(status: StatusCode, detail: &str) -> Bytes {
    let id = RequestId::of(&HeaderMap::new());
    let error = ApiError::Http { status, detail: detail.to_owned() };
    // It holds strings and numbers only, which always can be written.
    let body = serde_json::to_vec(&error.body(id.as_str().to_owned())).unwrap_or_default();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    headers.insert(CONTENT_LENGTH, body.len().into());
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    finish_headers(&mut headers, id);

    let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for (name, value) in &headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend(body);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\
        date: Sat, 21 Nov 2026 04:09:34 GMT\r\n\r\n";

    #[test]
    fn a_bare_error_gets_the_one_shape() {
        let Split::Error(written) = split(BARE) else { panic!("it is one") };
        let text = str::from_utf8(&written).unwrap();
        assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
        let body = text.split("\r\n\r\n").nth(1).unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error_code"], "VALIDATION_ERROR");
        assert!(text.contains(&format!("x-request-id: {}", body["request_id"].as_str().unwrap())));
    }

    #[test]
    fn what_stands_before_it_is_left_as_it_is() {
        let other = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-request-id: 1\r\n\r\n{}";
        assert_eq!(split(&[other, BARE].concat()), Split::After(other.len()));
    }

    #[test]
    fn our_own_answers_are_left_as_they_are() {
        for own in [
            &b"HTTP/1.1 204 No Content\r\nx-request-id: 1\r\n\r\n"[..],
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nx-request-id: 1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx-request-id: 1\r\n\r\n\r\n\r\n",
            b"",
        ] {
            assert_eq!(split(own), Split::None);
        }
    }
}
