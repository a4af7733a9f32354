//! Request ids, which connect a response to its lines in the log.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::TraceId;
use tracing::field::{DisplayValue, display};
use uuid::Uuid;

/// The header for it, in requests and responses.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The maximum length of an id that is accepted from a request, in bytes.
const MAX_LENGTH: usize = 128;

/// The id of a request: the client's if it is a valid token, otherwise a new UUID.
#[derive(Debug, Clone)]
pub struct RequestId {
    header: HeaderValue,
    /// The trace that the request belongs to, if that is known.
    trace_id: Option<TraceId>,
}

impl RequestId {
    /// Takes the id from the headers of a request, or generates one.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(X_REQUEST_ID);
        match (given.next(), given.next()) {
            (Some(id), None) if is_valid(id.as_bytes()) => Self::of(id.clone()),
            _ => Self::new(),
        }
    }

    fn new() -> Self {
        let mut buffer = Uuid::encode_buffer();
        let id = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
        // A UUID is a valid header value, so the fallback is never used.
        Self::of(HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("none")))
    }

    fn of(header: HeaderValue) -> Self {
        Self { header, trace_id: None }
    }

    /// Adds the trace that the request belongs to, if that is known.
    #[must_use]
    pub(crate) fn in_trace(self, trace_id: Option<TraceId>) -> Self {
        Self { trace_id, ..self }
    }

    /// The trace that the request belongs to, for the log.
    pub(crate) fn trace_id(&self) -> Option<DisplayValue<TraceId>> {
        self.trace_id.map(display)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.header.to_str().unwrap_or_default()
    }

    /// The id as the value of [`X_REQUEST_ID`].
    #[must_use]
    pub fn into_header(self) -> HeaderValue {
        self.header
    }
}

/// Only letters, digits, `-`, `_`, `.` and `:` are allowed, so that an id cannot inject lines into the log.
fn is_valid(id: &[u8]) -> bool {
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
        RequestId::from_headers(&headers).as_str().to_owned()
    }

    #[test]
    fn a_valid_id_of_the_client_is_used() {
        assert_eq!(id_for(&["trace:01_a-b.c"]), "trace:01_a-b.c");
    }

    #[test]
    fn an_invalid_id_is_replaced_by_a_new_uuid() {
        for given in [&[][..], &[""], &["two words"], &["a\tb"], &["{}"], &["a", "b"]] {
            let id = id_for(given);
            assert!(Uuid::parse_str(&id).is_ok(), "{given:?} gave {id}");
        }
        let mut headers = HeaderMap::new();
        headers.append(X_REQUEST_ID, HeaderValue::from_str(&"x".repeat(129)).unwrap());
        assert!(Uuid::parse_str(RequestId::from_headers(&headers).as_str()).is_ok());
    }
}
