//! Responses, with short assertions.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;

/// A complete response.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// In the order received, with names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// Parses one response.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no response: {}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        let mut response =
            Response { status, headers: headers.collect(), body: bytes[end + 4..].to_vec() };
        match response.header("content-length") {
            // A response to HEAD has the length of the omitted body.
            Some(length) if !response.body.is_empty() => {
                assert_eq!(
                    length.parse(),
                    Ok(response.body.len()),
                    "an incomplete response: {response:?}"
                );
            }
            Some(_) => {}
            None => response.body = unchunked(&response.body),
        }
        response
    }

    /// The value of a header, which may occur only once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} occurs twice: {self:?}");
        value
    }

    /// The values of a comma-separated header, sorted.
    pub(crate) fn header_list(&self, name: &str) -> Vec<String> {
        let words = self.header(name).unwrap_or_default().split(',').map(str::trim);
        let mut words: Vec<_> = words.filter(|it| !it.is_empty()).map(str::to_owned).collect();
        words.sort();
        words
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error} in the body of {}: {}", self.status, self.text())
        })
    }

    /// Expects this status, and returns the body.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// Expects an error with this status, code and text, and returns the body.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, error_code: &str, detail: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["error_code"], error_code, "{body}");
        assert_eq!(body["detail"], detail, "{body}");
        body
    }

    /// Expects the 404 of an absent todo.
    #[track_caller]
    pub(crate) fn expect_not_found(&self) -> Value {
        self.expect_error(404, "NOT_FOUND", "Todo not found")
    }

    /// Expects a 422 for exactly these fields, in any order, and returns the messages.
    #[track_caller]
    pub(crate) fn expect_invalid_fields(&self, fields: &[&str]) -> Vec<String> {
        let body = self.expect_error(422, "VALIDATION_ERROR", "Validation error");
        let errors = body["field_errors"].as_array().unwrap();
        let mut errors: Vec<_> = errors
            .iter()
            .map(|it| (it["field"].as_str().unwrap(), it["message"].as_str().unwrap().to_owned()))
            .collect();
        errors.sort();
        let mut expected = fields.to_vec();
        expected.sort_unstable();
        let found: Vec<_> = errors.iter().map(|(field, _)| *field).collect();
        assert_eq!(found, expected, "{body}");
        errors.into_iter().map(|(_, message)| message).collect()
    }
}

fn unchunked(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while !chunks.is_empty() {
        let end = chunks.windows(2).position(|it| it == b"\r\n").unwrap();
        let length = str::from_utf8(&chunks[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            break;
        }
        body.extend_from_slice(&chunks[end + 2..end + 2 + length]);
        chunks = &chunks[end + 2 + length + 2..];
    }
    body
}

/// What was compressed: one stream, and nothing behind it.
pub(crate) fn unzipped(stream: &[u8]) -> Vec<u8> {
    let mut read = Vec::new();
    let mut decoder = GzDecoder::new(stream);
    decoder.read_to_end(&mut read).unwrap();
    assert!(decoder.into_inner().is_empty(), "something stands behind the end");
    read
}
