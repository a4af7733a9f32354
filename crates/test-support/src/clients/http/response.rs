//! Responses, with short assertions.

use serde_json::Value;

/// A complete response.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The words after the status code.
    pub reason: String,
    /// Names, in lower case, and values, in the order received.
    pub headers: Vec<(String, String)>,
    /// The body, without its transfer coding.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header by its name in lower case. Panics if it occurs twice.
    #[must_use]
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(it, _)| it.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} occurs twice: {self:?}");
        value
    }

    /// The values of a comma-separated header, sorted.
    #[must_use]
    #[track_caller]
    pub fn header_list(&self, name: &str) -> Vec<String> {
        let words = self.header(name).unwrap_or_default().split(',').map(str::trim);
        let mut words: Vec<_> = words.filter(|it| !it.is_empty()).map(str::to_owned).collect();
        words.sort();
        words
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON. Panics if it is not JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error} in the body of {}: {}", self.status, self.text())
        })
    }

    /// The body as JSON; null if it is not JSON.
    #[must_use]
    pub fn json_or_null(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether it is a 503 with `Retry-After` in the common error format.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.status == 503
            && self.header("retry-after").is_some_and(|it| it.parse::<u32>().is_ok())
            && self.header("content-type") == Some("application/problem+json")
            && self.json_or_null()["error_code"] == "SERVICE_UNAVAILABLE"
    }

    /// Expects this status, and returns the body.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it checks")]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// Expects an error with this status, code and text, and returns the body.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it checks")]
    pub fn expect_error(&self, status: u16, error_code: &str, detail: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["error_code"], error_code, "{body}");
        assert_eq!(body["detail"], detail, "{body}");
        body
    }

    /// Expects the 404 of an absent todo.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it checks")]
    pub fn expect_not_found(&self) -> Value {
        self.expect_error(404, "NOT_FOUND", "Todo not found")
    }

    /// Expects a 422 for exactly these fields, in any order, and returns the messages.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it checks")]
    pub fn expect_invalid_fields(&self, fields: &[&str]) -> Vec<String> {
        let body = self.expect_error(422, "VALIDATION_ERROR", "Validation error");
        let errors = body["field_errors"].as_array().into_iter().flatten();
        let text = |it: &Value, name| it[name].as_str().expect("a text").to_owned();
        let mut errors: Vec<_> =
            errors.map(|it| (text(it, "field"), text(it, "message"))).collect();
        errors.sort();
        let mut expected = fields.to_vec();
        expected.sort_unstable();
        let found: Vec<_> = errors.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(found, expected, "{body}");
        errors.into_iter().map(|(_, message)| message).collect()
    }
}
