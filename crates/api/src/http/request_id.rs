//! The id that ties an answer to the lines that the log has about it.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries it, in requests and answers.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from a request, in bytes.
const MAX_LENGTH: usize = 128;

/// The id of a request: the client's own if it is a sane token, else a new UUID.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id of the request with these headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(X_REQUEST_ID);
        match (given.next(), given.next()) {
            (Some(id), None) if is_sane(id.as_bytes()) => Self(id.clone()),
            _ => Self::new(),
        }
    }

    fn new() -> Self {
        let mut buffer = Uuid::encode_buffer();
        let id = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
        // A UUID is made of characters that a header may hold; the other branch is never taken.
        Self(HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("none")))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id as the value of [`X_REQUEST_ID`].
    #[must_use]
    pub fn into_header(self) -> HeaderValue {
        self.0
    }
}

/// Letters, digits, `-`, `_`, `.` and `:`: nothing that could forge a line of a log.
fn is_sane(id: &[u8]) -> bool {
    (1..=MAX_LENGTH).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(given: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for id in given {
            headers.append(X_REQUEST_ID, HeaderValue::from_static(id));
        }
        RequestId::of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_sane_token_is_taken_over() {
        assert_eq!(id_for(&["trace:01_a-b.c"]), "trace:01_a-b.c");
    }

    #[test]
    fn anything_else_gets_a_new_uuid() {
        for given in [&[][..], &[""], &["two words"], &["a\tb"], &["{}"], &["a", "b"]] {
            let id = id_for(given);
            assert!(Uuid::parse_str(&id).is_ok(), "{given:?} gave {id}");
        }
        let mut headers = HeaderMap::new();
        headers.append(X_REQUEST_ID, HeaderValue::from_str(&"x".repeat(129)).unwrap());
        assert!(Uuid::parse_str(RequestId::of(&headers).as_str()).is_ok());
    }
}
