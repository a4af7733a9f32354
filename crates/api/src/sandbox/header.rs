//! The header `X-Sandbox`, which requests faults: `status=503`, `latency=3s`, `lose-answer`, separated by commas.

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName};

use super::latency::Latency;
use crate::error::ApiError;
use crate::http::body::{BODY_TIMEOUT, MAX_BODY_BYTES, MEDIA_TYPE_RULE};

/// The name of the header.
pub const X_SANDBOX: HeaderName = HeaderName::from_static("x-sandbox");

/// The statuses that can be requested: those of the API's errors.
pub(super) const STATUSES: [u16; 11] = [400, 404, 405, 408, 412, 413, 415, 422, 429, 500, 503];

/// The faults that a request asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FaultRequest {
    pub(super) status: Option<u16>,
    pub(super) latency: Option<Latency>,
    pub(super) loses_response: bool,
}

impl FaultRequest {
    /// Parses the header; `None` if it is absent.
    pub(super) fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        if !headers.contains_key(X_SANDBOX) {
            return Ok(None);
        }
        let invalid = |problem: String| ApiError::field("X-Sandbox", problem);
        let mut requested = Self::default();
        for value in headers.get_all(X_SANDBOX) {
            let value = value.to_str().map_err(|_| invalid(rule()))?;
            for part in value.split(',') {
                requested.add(part.trim()).map_err(invalid)?;
            }
        }
        Ok(Some(requested))
    }

    fn add(&mut self, part: &str) -> Result<(), String> {
        let is_new = match part.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            Some(("status", value)) => {
                let status = value.parse().ok().filter(|it| STATUSES.contains(it));
                let status = status.ok_or_else(|| format!("status must be {}", statuses()))?;
                self.status.replace(status).is_none()
            }
            Some(("latency", value)) => {
                let latency = value.parse().map_err(|problem| format!("latency {problem}"))?;
                self.latency.replace(latency).is_none()
            }
            None if part == "lose-answer" => !std::mem::replace(&mut self.loses_response, true),
            _ => return Err(rule()),
        };
        if is_new { Ok(()) } else { Err(format!("must name each fault once; {}", rule())) }
    }
}

fn statuses() -> String {
    let [others @ .., last] = STATUSES.map(|status| status.to_string());
    format!("{} or {last}", others.join(", "))
}

fn rule() -> String {
    format!(
        "must be status=N, latency=3s, latency=200ms..2s or lose-answer, or some of these separated by commas; N is {}",
        statuses()
    )
}

/// An error of the API with this status.
pub(super) fn error(status: u16) -> ApiError {
    match status {
        400 => ApiError::MissingUser,
        404 => ApiError::TodoNotFound,
        405 => ApiError::MethodNotAllowed { allowed: &[Method::GET, Method::HEAD] },
        408 => ApiError::BodyTimeout(BODY_TIMEOUT),
        412 => ApiError::PreconditionFailed { current: None },
        413 => ApiError::PayloadTooLarge { limit: MAX_BODY_BYTES },
        415 => ApiError::UnsupportedMediaType(MEDIA_TYPE_RULE),
        422 => ApiError::field("title", "is rejected by the sandbox, as requested"),
        429 => ApiError::TooManyRequests { retry_after_seconds: 1 },
        503 => ApiError::Unavailable("a failure requested from the sandbox".into()),
        _ => ApiError::Internal("a failure requested from the sandbox".into()),
    }
}

#[cfg(test)]
mod tests;
