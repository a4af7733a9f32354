//! CORS: which origins may call the API from a browser.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use actix_cors::Cors;
use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, HOST, HeaderName, HeaderValue,
    IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER,
};

use super::rate_limit::{RATELIMIT, RATELIMIT_POLICY};
use super::request_id::X_REQUEST_ID;

/// How long browsers may cache the result of a preflight request, in seconds.
const MAX_AGE: usize = 3_600;

/// How many refused origins are logged, so that clients that invent origins cannot fill the log or the memory.
const MAX_LOGGED: usize = 100;

/// How much of a refused origin is logged, in characters.
const MAX_LOGGED_LENGTH: usize = 200;

/// The allowed origins, and the refused ones that have been logged.
#[derive(Debug, Default)]
pub struct Origins {
    allowed: Vec<Pattern>,
    refused: Mutex<HashSet<String>>,
}

/// A pattern that origins are matched against.
#[derive(Debug)]
enum Pattern {
    /// Any: `*`.
    Any,
    /// Exactly this one: `https://app.example.com`.
    Exactly(String),
    /// This one, with any port or none: `http://localhost:*`.
    AnyPort(String),
}

impl Pattern {
    fn new(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        match text.strip_suffix(":*") {
            Some(host) => Self::AnyPort(host.to_owned()),
            None if text == "*" => Self::Any,
            None => Self::Exactly(text),
        }
    }

    fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(text) => text == origin,
            Self::AnyPort(host) => origin.strip_prefix(host.as_str()).is_some_and(|rest| {
                let is_number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
                rest.is_empty() || rest.strip_prefix(':').is_some_and(is_number)
            }),
        }
    }
}

impl Origins {
    /// Creates the list from a setting: origins as browsers send them, with `*` for any port, or `*` for any origin.
    #[must_use]
    pub fn new(allowed: &[String]) -> Self {
        let allowed = allowed.iter().map(|text| Pattern::new(text)).collect();
        Self { allowed, refused: Mutex::default() }
    }

    fn allow_any(&self) -> bool {
        self.allowed.iter().any(|pattern| matches!(pattern, Pattern::Any))
    }

    fn allow(&self, origin: &HeaderValue, head: &RequestHead) -> bool {
        let text = String::from_utf8_lossy(origin.as_bytes());
        let is_allowed = self.allowed.iter().any(|pattern| pattern.allows(&text));
        // Browsers send `Origin` with some same-origin requests, too.
        if !is_allowed && !is_same_origin(&text, head.headers().get(HOST)) {
            self.log_once(&text);
        }
        is_allowed
    }

    fn log_once(&self, origin: &str) {
        let origin: String = origin.chars().take(MAX_LOGGED_LENGTH).collect();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= MAX_LOGGED || !refused.insert(origin.clone()) {
            return;
        }
        tracing::warn!(
            origin,
            "pages of this origin may not call: CORS_ALLOWED_ORIGINS does not allow it"
        );
        if refused.len() == MAX_LOGGED {
            tracing::warn!("CORS_ALLOWED_ORIGINS: no further refused origins are logged");
        }
    }
}

/// Whether an origin has this host.
fn is_same_origin(origin: &str, host: Option<&HeaderValue>) -> bool {
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some_and(|it| host.is_some_and(|host| host.as_bytes() == it.as_bytes()))
}

/// The CORS middleware for these origins, which all threads share.
pub fn cors(origins: &Arc<Origins>) -> Cors {
    let cors = Cors::default()
        .allowed_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allowed_headers([
            AUTHORIZATION,
            CACHE_CONTROL,
            CONTENT_TYPE,
            IF_MATCH,
            IF_NONE_MATCH,
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("x-requested-with"),
            HeaderName::from_static("x-user-id"),
            X_REQUEST_ID,
        ])
        // Tracing libraries add these to every call.
        .allowed_headers(["baggage", "sentry-trace", "traceparent", "tracestate"])
        .expose_headers([ALLOW, ETAG, LINK, LOCATION, RETRY_AFTER, X_REQUEST_ID])
        .expose_headers([RATELIMIT, RATELIMIT_POLICY])
        .max_age(MAX_AGE);
    if origins.allow_any() {
        return cors.allow_any_origin().send_wildcard();
    }
    let origins = Arc::clone(origins);
    cors.allowed_origin_fn(move |origin, head| origins.allow(origin, head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_any_port_and_nothing_else() {
        let pattern = Pattern::new("http://localhost:*");
        for origin in ["http://localhost", "http://localhost:3000", "http://localhost:65535"] {
            assert!(pattern.allows(origin), "{origin}");
        }
        for origin in [
            "https://localhost:3000",
            "http://localhost.evil.example",
            "http://localhost:3000.evil.example",
            "http://localhost:80@evil.example",
            "http://localhostess",
            "http://127.0.0.1:3000",
            "null",
            "",
        ] {
            assert!(!pattern.allows(origin), "{origin}");
        }
        assert!(Pattern::new("http://[::1]:*").allows("http://[::1]:5173"));
        assert!(Pattern::new("https://App.example").allows("https://app.example"));
    }

    #[test]
    fn the_number_of_remembered_origins_is_bounded() {
        let origins = Origins::new(&[]);
        for number in 0..10 * MAX_LOGGED {
            origins.log_once(&format!("https://{number}.{}", "é".repeat(10_000)));
        }
        let refused = origins.refused.lock().unwrap();
        assert_eq!(refused.len(), MAX_LOGGED);
        assert!(refused.iter().all(|origin| origin.chars().count() <= MAX_LOGGED_LENGTH));
    }
}
