//! Requests as bytes.

use std::fmt::Display;
use std::io::Write as _;

/// A request. It can be set again, so that a load allocates nothing per request.
#[derive(Debug, Default)]
pub struct Request {
    bytes: Vec<u8>,
    is_head: bool,
}

impl Request {
    /// Sets it to a request with these headers, with `Host` unless it is among them, and with the length of its body.
    pub fn set(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &dyn Display)],
        body: Option<&[u8]>,
    ) {
        self.is_head = method == "HEAD";
        self.bytes.clear();
        self.push(format_args!("{method} {target} HTTP/1.1\r\n"));
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            self.push(format_args!("Host: test\r\n"));
        }
        for (name, value) in headers {
            self.push(format_args!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            self.push(format_args!("Content-Length: {}\r\n", body.len()));
        }
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes.extend_from_slice(body.unwrap_or_default());
    }

    /// Sets it to a request on behalf of a user, whose body is JSON.
    pub fn set_json(&mut self, method: &str, target: &str, user: impl Display, body: Option<&str>) {
        let headers: [(&str, &dyn Display); 2] =
            [("X-User-ID", &user), ("Content-Type", &"application/json")];
        let count = if body.is_some() { 2 } else { 1 };
        self.set(method, target, &headers[..count], body.map(str::as_bytes));
    }

    /// The bytes to send.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether its response has no body.
    #[must_use]
    pub fn is_head(&self) -> bool {
        self.is_head
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.bytes.write_fmt(text).expect("a Vec takes everything");
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    fn text(request: &Request) -> &str {
        str::from_utf8(request.as_bytes()).unwrap()
    }

    #[test]
    fn a_request_has_a_host_and_the_length_of_its_body() {
        let mut request = Request::default();
        request.set_json("PUT", "/a", "ann", Some("{}"));
        assert_eq!(
            text(&request),
            "PUT /a HTTP/1.1\r\nHost: test\r\nX-User-ID: ann\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        );
        request.set("HEAD", "/", &[("host", &"example")], None);
        assert_eq!(text(&request), "HEAD / HTTP/1.1\r\nhost: example\r\n\r\n");
        assert!(request.is_head());
    }
}
