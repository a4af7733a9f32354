//! The API description that the server serves, as the reference for its responses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use todo_test_support::clients::http::Response;

/// Swagger UI and its files, which the description does not cover.
const UNDESCRIBED: [&str; 4] = ["/", "/docs", "/favicon.ico", "/openapi.json"];

/// Headers that clients may rely on: each must be described if it is sent.
const DESCRIBED_HEADERS: [&str; 6] =
    ["etag", "link", "location", "retry-after", "www-authenticate", "x-request-id"];

/// The description, with validators for its schemas.
pub(crate) struct Description {
    pub(crate) document: Value,
    /// By the JSON pointer of the schema.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Description {
    pub(super) fn new(document: Value) -> Self {
        Self { document, validators: Mutex::default() }
    }

    /// The header that identifies the caller.
    pub(super) fn identifies_by(&self) -> &'static str {
        match &self.document["components"]["securitySchemes"]["bearer"] {
            Value::Null => "x-user-id",
            _ => "authorization",
        }
    }

    /// Panics unless the description allows the response.
    #[track_caller]
    pub(super) fn check(
        &self,
        method: &str,
        target: &str,
        sent: Option<&[u8]>,
        response: &Response,
    ) {
        let call = format!("{method} {target} -> {}", response.status);
        check_common(&call, method, response);
        let path = target.split('?').next().unwrap_or_default();
        let Some((template, operations)) = self.operations(path) else {
            let is_page = UNDESCRIBED.contains(&path) || path.starts_with("/docs/");
            let expected: &[u16] = if is_page { &[200, 304, 307, 404, 405] } else { &[404] };
            assert!(expected.contains(&response.status), "{call}: the path is not described");
            return self.check_error(&call, method, response);
        };
        let key = if method == "HEAD" { "get".to_owned() } else { method.to_lowercase() };
        if !operations.contains_key(&key) {
            assert_eq!(response.status, 405, "{call}: the operation is not described");
            let mut allowed: Vec<_> = operations.keys().map(|it| it.to_uppercase()).collect();
            allowed.extend(operations.contains_key("get").then(|| "HEAD".to_owned()));
            allowed.sort();
            assert_eq!(response.header_list("allow"), allowed, "{call}: Allow");
            return self.check_error(&call, method, response);
        }
        let operation = format!("/paths/{}/{key}", template.replace('/', "~1"));
        self.check_described(&call, &operation, method, response);
        if template.starts_with("/api/v1/") {
            let vary = response.header_list("vary");
            assert!(
                vary.iter().any(|it| it.eq_ignore_ascii_case(self.identifies_by())),
                "{call}: Vary: {vary:?}"
            );
        }
        if let (Some(sent), 200..=299) = (sent, response.status) {
            let schema = format!("{operation}/requestBody/content/application~1json/schema");
            let sent = serde_json::from_slice(sent).unwrap();
            self.validate(&format!("the accepted body of {call}"), &schema, &sent, false);
        }
    }

    fn check_described(&self, call: &str, operation: &str, method: &str, response: &Response) {
        let pointer = format!("{operation}/responses/{}", response.status);
        let Some(documented) = self.document.pointer(&pointer) else {
            panic!("{call}: the status is not described; {}", response.text());
        };
        let described = documented["headers"].as_object().cloned().unwrap_or_default();
        for (name, header) in &described {
            // OpenAPI cannot express this otherwise.
            let is_optional = header["description"].as_str().unwrap().contains("Absent");
            assert!(is_optional || response.header(name).is_some(), "{call}: {name} is missing");
        }
        for name in DESCRIBED_HEADERS {
            let is_described = described.keys().any(|key| key.eq_ignore_ascii_case(name));
            assert!(
                is_described || response.header(name).is_none(),
                "{call}: {name} is not described"
            );
        }
        let content = documented["content"].as_object().cloned().unwrap_or_default();
        let content_type = response.header("content-type");
        if content.is_empty() {
            assert_eq!(content_type, None, "{call}: a type of no content");
            assert!(response.body.is_empty(), "{call}: {}", response.text());
            return;
        }
        let content_type =
            content_type.unwrap_or_else(|| panic!("{call}: Content-Type is missing"));
        assert!(content.contains_key(content_type), "{call}: {content_type} is not described");
        if method != "HEAD" {
            let schema = format!("{pointer}/content/{}/schema", content_type.replace('/', "~1"));
            let body = match content_type {
                "text/event-stream" => Value::String(response.text()),
                _ => response.json(),
            };
            self.validate(call, &schema, &body, true);
        }
    }

    fn check_error(&self, call: &str, method: &str, response: &Response) {
        if response.status >= 400 && method != "HEAD" {
            self.validate(call, "/components/schemas/ErrorResponse", &response.json(), true);
        }
    }

    /// The path template that matches a path, and its operations.
    pub(crate) fn operations(&self, path: &str) -> Option<(&str, &Map<String, Value>)> {
        // The collection accepts a trailing slash.
        let path = if path == "/api/v1/todos/" { "/api/v1/todos" } else { path };
        let paths = self.document["paths"].as_object().unwrap();
        let (template, item) = paths
            .get_key_value(path)
            .or_else(|| paths.iter().find(|(template, _)| matches_template(path, template)))?;
        Some((template, item.as_object().unwrap()))
    }

    /// Panics unless the value is valid for the schema at this JSON pointer. A strict schema allows no additional
    /// properties.
    pub(crate) fn validate(&self, what: &str, pointer: &str, value: &Value, is_strict: bool) {
        let validator = {
            // A panic in another test does not affect the validators.
            let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
            let key = format!("{pointer} {is_strict}");
            let make = || Arc::new(self.validator(pointer, is_strict));
            Arc::clone(validators.entry(key).or_insert_with(make))
        };
        let errors: Vec<_> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{what}: {}\n{value}", errors.join("\n"));
    }

    /// Whether a value is valid for the schema with this name.
    pub(crate) fn allows(&self, schema: &str, value: &Value) -> bool {
        self.validator(&format!("/components/schemas/{schema}"), false).is_valid(value)
    }

    fn validator(&self, pointer: &str, is_strict: bool) -> Validator {
        let schema = self.document.pointer(pointer);
        let schema = schema.unwrap_or_else(|| panic!("nothing is described at {pointer}"));
        // References point to the components of the same document.
        let mut root = json!({"allOf": [schema], "components": self.document["components"]});
        if is_strict {
            forbid_other_properties(&mut root["components"]["schemas"]);
        }
        jsonschema::options().should_validate_formats(true).build(&root).unwrap()
    }
}

/// Checks what all responses have in common.
#[track_caller]
fn check_common(call: &str, method: &str, response: &Response) {
    assert_ne!(response.status, 500, "{call}: {}", response.text());
    let request_id = response.header("x-request-id");
    assert!(request_id.is_some(), "{call}: X-Request-ID is missing");
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{call}");
    assert!(response.header("cache-control").is_some(), "{call}: Cache-Control is missing");
    assert_eq!(
        response.header("retry-after").is_some(),
        matches!(response.status, 429 | 503),
        "{call}: Retry-After"
    );
    let challenge = response.header("www-authenticate");
    assert_eq!(challenge.is_some(), response.status == 401, "{call}: WWW-Authenticate");
    assert_eq!(response.header("allow").is_some(), response.status == 405, "{call}: Allow");
    if response.status < 400 {
        return;
    }
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{call}");
    if method == "HEAD" {
        return assert!(response.body.is_empty(), "{call}: {}", response.text());
    }
    let body = response.json();
    assert_eq!(body["request_id"].as_str(), request_id, "{call}");
    assert_eq!(body["status"], response.status, "{call}");
    assert_eq!(body["type"], "about:blank", "{call}");
    assert_eq!(body["title"], reason(response.status), "{call}");
    assert_eq!(body.get("current").is_some(), response.status == 412, "{call}: {body}");
}

/// The reason phrases of RFC 9110.
fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        status => panic!("no error of the API has the status {status}"),
    }
}

fn matches_template(path: &str, template: &str) -> bool {
    let (path, template): (Vec<_>, Vec<_>) =
        (path.split('/').collect(), template.split('/').collect());
    let fits = |(part, place): (&&str, &&str)| {
        if place.starts_with('{') { !part.is_empty() } else { part == place }
    };
    path.len() == template.len() && path.iter().zip(&template).all(fits)
}

fn forbid_other_properties(schemas: &mut Value) {
    for schema in schemas.as_object_mut().unwrap().values_mut() {
        if let Some(schema) = schema.as_object_mut().filter(|it| it.contains_key("properties")) {
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
    }
}
