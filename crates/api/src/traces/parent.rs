//! The trace that a request belongs to, by the header fields of the W3C Trace Context.

use std::str::FromStr;

use actix_web::http::header::{HeaderMap, HeaderName};
use opentelemetry::trace::{SpanId, TraceId, TraceState};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The length of a `traceparent` of version 00.
const LENGTH: usize = 55;

/// A longer `tracestate` is not passed on: each waiting span has a copy. It is the length that has to be passed on.
const MAX_TRACESTATE: usize = 512;

/// The span of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) is_sampled: bool,
    pub(super) state: TraceState,
}

impl Parent {
    /// The caller's span; `None` if `traceparent` is missing, invalid or ambiguous.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT);
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let (trace_id, span_id, is_sampled) = parse(value.as_bytes())?;
        let state = if is_sampled { state(headers) } else { TraceState::NONE };
        Some(Self { trace_id, span_id, is_sampled, state })
    }
}

/// Reads `version-traceid-parentid-flags`. Later versions may append to it.
fn parse(value: &[u8]) -> Option<(TraceId, SpanId, bool)> {
    let (head, rest) = value.split_at_checked(LENGTH)?;
    let version = hex(&head[..2])?;
    let is_complete = match version {
        0 => rest.is_empty(),
        0xff => false,
        _ => rest.is_empty() || rest[0] == b'-',
    };
    if !is_complete || [head[2], head[35], head[52]] != *b"---" {
        return None;
    }
    let trace_id = TraceId::from(hex(&head[3..35])?);
    let span_id = SpanId::from(u64::try_from(hex(&head[36..52])?).ok()?);
    let flags = hex(&head[53..])?;
    let is_valid = trace_id != TraceId::INVALID && span_id != SpanId::INVALID;
    is_valid.then_some((trace_id, span_id, flags & 1 == 1))
}

/// A number in lower case hexadecimal digits, of which there are 32 at most.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

/// What other systems add to the trace. Passed on unchanged, or not at all.
fn state(headers: &HeaderMap) -> TraceState {
    let values: Option<Vec<_>> =
        headers.get_all(TRACESTATE).map(|value| value.to_str().ok()).collect();
    let text = values.unwrap_or_default().join(",");
    if text.is_empty() || text.len() > MAX_TRACESTATE {
        return TraceState::NONE;
    }
    TraceState::from_str(&text).unwrap_or(TraceState::NONE)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn parent(fields: &[(HeaderName, &str)]) -> Option<Parent> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        Parent::of(&headers)
    }

    #[test]
    fn the_callers_span_and_decision_are_read() {
        for (flags, is_sampled) in [("00", false), ("01", true), ("02", false), ("ff", true)] {
            let parent = parent(&[(TRACEPARENT, &format!("00-{TRACE}-{SPAN}-{flags}"))]).unwrap();
            assert_eq!(parent.trace_id.to_string(), TRACE);
            assert_eq!(parent.span_id.to_string(), SPAN);
            assert_eq!(parent.is_sampled, is_sampled, "{flags}");
        }
    }

    #[test]
    fn a_later_version_may_append_to_it() {
        for (value, is_valid) in [
            (format!("01-{TRACE}-{SPAN}-01"), true),
            (format!("cc-{TRACE}-{SPAN}-01-what-follows"), true),
            (format!("cc-{TRACE}-{SPAN}-01.what-follows"), false),
            (format!("00-{TRACE}-{SPAN}-01-what-follows"), false),
            (format!("ff-{TRACE}-{SPAN}-01"), false),
        ] {
            assert_eq!(parent(&[(TRACEPARENT, &value)]).is_some(), is_valid, "{value}");
        }
    }

    #[test]
    fn an_invalid_traceparent_is_ignored() {
        for value in [
            "",
            "00",
            &format!("00-{}-{SPAN}-01", "0".repeat(32)),
            &format!("00-{TRACE}-{}-01", "0".repeat(16)),
            &format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            &format!("00-{TRACE}-{SPAN}-0"),
            &format!("00-{TRACE}-{SPAN}-0x"),
            &format!("0x-{TRACE}-{SPAN}-01"),
            &format!("00_{TRACE}-{SPAN}-01"),
            &format!("00-{TRACE}{SPAN}--01"),
            &format!("00-+{}-{SPAN}-01", &TRACE[1..]),
        ] {
            assert_eq!(parent(&[(TRACEPARENT, value)]), None, "{value}");
        }
        let value = format!("00-{TRACE}-{SPAN}-01");
        assert_eq!(parent(&[(TRACEPARENT, &value), (TRACEPARENT, &value)]), None);
    }

    #[test]
    fn the_state_is_passed_on_unless_it_is_invalid_or_long() {
        let state = |values: &[&str]| {
            let traceparent = format!("00-{TRACE}-{SPAN}-01");
            let mut fields = vec![(TRACEPARENT, traceparent.as_str())];
            fields.extend(values.iter().map(|value| (TRACESTATE, *value)));
            parent(&fields).unwrap().state.header()
        };
        assert_eq!(state(&["a=1,b=2"]), "a=1,b=2");
        assert_eq!(state(&["a=1", "b=2"]), "a=1,b=2");
        assert_eq!(state(&[]), "");
        assert_eq!(state(&["nothing"]), "");
        let long =
            |length: usize| format!("a={},b={}", "1".repeat(length - 5 - 254), "1".repeat(254));
        assert_eq!(state(&[&long(512)]), long(512));
        assert_eq!(state(&[&long(513)]), "");
    }
}
