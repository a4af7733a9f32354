//! `X-Sandbox`, by which a request asks for faults: `status=503`, `latency=3s`, `lose-answer`, separated by commas.

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName};

use super::latency::Latency;
use crate::error::ApiError;
use crate::http::body::{BODY_TIMEOUT, MAX_BODY_BYTES, MEDIA_TYPE_RULE};

/// The header.
pub const X_SANDBOX: HeaderName = HeaderName::from_static("x-sandbox");

/// The statuses that can be asked for: those of the API's errors.
pub(super) const STATUSES: [u16; 10] = [400, 404, 405, 408, 412, 413, 415, 422, 500, 503];

/// What a request asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) status: Option<u16>,
    pub(super) latency: Option<Latency>,
    pub(super) loses_answer: bool,
}

impl Asked {
    /// What the request with these headers asks for; `None` without `X-Sandbox`.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        if !headers.contains_key(X_SANDBOX) {
            return Ok(None);
        }
        let refused = |problem: String| ApiError::field("X-Sandbox", problem);
        let mut asked = Self::default();
        for value in headers.get_all(X_SANDBOX) {
            let value = value.to_str().map_err(|_| refused(rule()))?;
            for part in value.split(',') {
                asked.add(part.trim()).map_err(refused)?;
            }
        }
        Ok(Some(asked))
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
            None if part == "lose-answer" => !std::mem::replace(&mut self.loses_answer, true),
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

/// An error of this status, as the API would answer it.
pub(super) fn error(status: u16) -> ApiError {
    match status {
        400 => ApiError::MissingUser,
        404 => ApiError::TodoNotFound,
        405 => ApiError::MethodNotAllowed { allowed: &[Method::GET, Method::HEAD] },
        408 => ApiError::BodyTimeout(BODY_TIMEOUT),
        412 => ApiError::PreconditionFailed { current: None },
        413 => ApiError::PayloadTooLarge { limit: MAX_BODY_BYTES },
        415 => ApiError::UnsupportedMediaType(MEDIA_TYPE_RULE),
        422 => ApiError::field("title", "is what the sandbox was asked to refuse"),
        503 => ApiError::Unavailable("the sandbox was asked to fail".into()),
        _ => ApiError::Internal("the sandbox was asked to fail".into()),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn asked(values: &[&'static str]) -> Result<Option<Asked>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(X_SANDBOX, HeaderValue::from_static(value));
        }
        Asked::of(&headers).map_err(|error| match error {
            ApiError::Invalid(errors) => {
                assert!(errors.iter().all(|it| it.field == "X-Sandbox"), "{errors:?}");
                errors[0].message.clone()
            }
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn each_fault_can_be_asked_for_alone_and_with_others() {
        assert_eq!(asked(&[]), Ok(None));
        let latency = "3s".parse().ok();
        let of = |status, latency, loses_answer| Ok(Some(Asked { status, latency, loses_answer }));
        assert_eq!(asked(&["status=503"]), of(Some(503), None, false));
        assert_eq!(asked(&["latency=3s"]), of(None, latency, false));
        assert_eq!(asked(&["lose-answer"]), of(None, None, true));
        assert_eq!(asked(&["lose-answer , latency = 3s"]), of(None, latency, true));
        assert_eq!(asked(&["latency=3s", "status=404"]), of(Some(404), latency, false));
        assert_eq!(asked(&["latency=1s..2s"]), of(None, "1s..2s".parse().ok(), false));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_forms() {
        for value in ["", "lose", "lose-answer=1", "status", "503", "status=503,", "Status=503"] {
            let problem = asked(&[value]).unwrap_err();
            for form in ["status=N", "latency=3s", "lose-answer", "400, 404", "500 or 503"] {
                assert!(problem.contains(form), "{value}: {problem}");
            }
        }
        for value in ["status=200", "status=418", "status=", "status=5xx", "status=999999"] {
            assert!(asked(&[value]).unwrap_err().contains("status must be 400, 404"), "{value}");
        }
        for value in ["latency=61s", "latency=", "latency=2s..1s"] {
            assert!(asked(&[value]).unwrap_err().contains("latency must be a duration"), "{value}");
        }
        for values in [&["status=404,status=503"][..], &["lose-answer", "lose-answer"]] {
            assert!(asked(values).unwrap_err().contains("once"), "{values:?}");
        }
        let mut headers = HeaderMap::new();
        headers.append(X_SANDBOX, HeaderValue::from_bytes(b"lose-answer\xFF").unwrap());
        assert!(Asked::of(&headers).is_err());
    }

    #[test]
    fn an_error_has_the_status_that_was_asked_for() {
        for status in STATUSES {
            assert_eq!(error(status).status_and_code().0.as_u16(), status);
        }
    }
}
