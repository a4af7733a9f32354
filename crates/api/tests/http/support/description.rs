//! The API description that the server serves, as the judge of what it answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::answer::Answer;

/// Pages for people and their tools, of which the description does not speak.
const UNDESCRIBED: [&str; 4] = ["/", "/docs", "/favicon.ico", "/openapi.json"];

/// Headers that a client may act on: none comes that is not described.
const DESCRIBED_HEADERS: [&str; 5] = ["etag", "link", "location", "retry-after", "x-request-id"];

/// The description, ready to judge.
pub(crate) struct Description {
    pub(crate) document: Value,
    /// By where the schema stands in the document.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Description {
    pub(super) fn new(document: Value) -> Self {
        Self { document, validators: Mutex::default() }
    }

    /// Panics unless the answer is one that the description allows.
    #[track_caller]
    pub(super) fn check(&self, method: &str, target: &str, sent: Option<&[u8]>, answer: &Answer) {
        let call = format!("{method} {target} -> {}", answer.status);
        check_common(&call, method, answer);
        let path = target.split('?').next().unwrap_or_default();
        let Some((template, operations)) = self.operations(path) else {
            let is_page = UNDESCRIBED.contains(&path) || path.starts_with("/docs/");
            let expected: &[u16] = if is_page { &[200, 304, 307, 404, 405] } else { &[404] };
            assert!(expected.contains(&answer.status), "{call}: the path is not described");
            return self.check_error(&call, method, answer);
        };
        let key = if method == "HEAD" { "get".to_owned() } else { method.to_lowercase() };
        if !operations.contains_key(&key) {
            assert_eq!(answer.status, 405, "{call}: the operation is not described");
            let mut allowed: Vec<_> = operations.keys().map(|it| it.to_uppercase()).collect();
            allowed.extend(operations.contains_key("get").then(|| "HEAD".to_owned()));
            allowed.sort();
            assert_eq!(answer.listed("allow"), allowed, "{call}: Allow");
            return self.check_error(&call, method, answer);
        }
        let operation = format!("/paths/{}/{key}", template.replace('/', "~1"));
        self.check_described(&call, &operation, method, answer);
        if template.starts_with("/api/v1/") {
            let vary = answer.listed("vary");
            assert!(
                vary.iter().any(|it| it.eq_ignore_ascii_case("x-user-id")),
                "{call}: Vary: {vary:?}"
            );
        }
        if let (Some(sent), 200..=299) = (sent, answer.status) {
            let schema = format!("{operation}/requestBody/content/application~1json/schema");
            let sent = serde_json::from_slice(sent).unwrap();
            self.validate(&format!("the accepted body of {call}"), &schema, &sent, false);
        }
    }

    fn check_described(&self, call: &str, operation: &str, method: &str, answer: &Answer) {
        let pointer = format!("{operation}/responses/{}", answer.status);
        let Some(response) = self.document.pointer(&pointer) else {
            panic!("{call}: the status is not described; {}", answer.text());
        };
        let described = response["headers"].as_object().cloned().unwrap_or_default();
        for (name, header) in &described {
            // The format has no better place for it.
            let is_optional = header["description"].as_str().unwrap().contains("Absent");
            assert!(is_optional || answer.header(name).is_some(), "{call}: {name} is missing");
        }
        for name in DESCRIBED_HEADERS {
            let is_described = described.keys().any(|key| key.eq_ignore_ascii_case(name));
            assert!(
                is_described || answer.header(name).is_none(),
                "{call}: {name} is not described"
            );
        }
        let content = response["content"].as_object().cloned().unwrap_or_default();
        let content_type = answer.header("content-type");
        if content.is_empty() {
            assert_eq!(content_type, None, "{call}: a type of no content");
            assert!(answer.body.is_empty(), "{call}: {}", answer.text());
            return;
        }
        let content_type =
            content_type.unwrap_or_else(|| panic!("{call}: Content-Type is missing"));
        assert!(content.contains_key(content_type), "{call}: {content_type} is not described");
        if method != "HEAD" {
            let schema = format!("{pointer}/content/{}/schema", content_type.replace('/', "~1"));
            self.validate(call, &schema, &answer.json(), true);
        }
    }

    fn check_error(&self, call: &str, method: &str, answer: &Answer) {
        if answer.status >= 400 && method != "HEAD" {
            self.validate(call, "/components/schemas/ErrorResponse", &answer.json(), true);
        }
    }

    /// The operations of the template that a path fits.
    pub(crate) fn operations(&self, path: &str) -> Option<(&str, &Map<String, Value>)> {
        // The collection is there with a slash at its end, too.
        let path = if path == "/api/v1/todos/" { "/api/v1/todos" } else { path };
        let paths = self.document["paths"].as_object().unwrap();
        let (template, item) = paths
            .get_key_value(path)
            .or_else(|| paths.iter().find(|(template, _)| fits(path, template)))?;
        Some((template, item.as_object().unwrap()))
    }

    /// Panics unless the value fits the schema at this place of the document. A strict schema knows every
    /// property: what is not described is not sent.
    pub(crate) fn validate(&self, what: &str, pointer: &str, value: &Value, is_strict: bool) {
        let validator = {
            // A test that failed meanwhile left the others as they were.
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

    /// Whether a value fits the schema of this name.
    pub(crate) fn allows(&self, schema: &str, value: &Value) -> bool {
        self.validator(&format!("/components/schemas/{schema}"), false).is_valid(value)
    }

    fn validator(&self, pointer: &str, is_strict: bool) -> Validator {
        let schema = self.document.pointer(pointer);
        let schema = schema.unwrap_or_else(|| panic!("nothing is described at {pointer}"));
        // References lead to the components of the same document.
        let mut root = json!({"allOf": [schema], "components": self.document["components"]});
        if is_strict {
            forbid_other_properties(&mut root["components"]["schemas"]);
        }
        jsonschema::options().should_validate_formats(true).build(&root).unwrap()
    }
}

/// What all answers have in common.
#[track_caller]
fn check_common(call: &str, method: &str, answer: &Answer) {
    assert_ne!(answer.status, 500, "{call}: {}", answer.text());
    let request_id = answer.header("x-request-id");
    assert!(request_id.is_some(), "{call}: X-Request-ID is missing");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{call}");
    assert!(answer.header("cache-control").is_some(), "{call}: Cache-Control is missing");
    assert_eq!(answer.header("retry-after").is_some(), answer.status == 503, "{call}: Retry-After");
    assert_eq!(answer.header("allow").is_some(), answer.status == 405, "{call}: Allow");
    if answer.status < 400 {
        return;
    }
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{call}");
    if method == "HEAD" {
        return assert!(answer.body.is_empty(), "{call}: {}", answer.text());
    }
    let body = answer.json();
    assert_eq!(body["request_id"].as_str(), request_id, "{call}");
    assert_eq!(body["status"], answer.status, "{call}");
    assert_eq!(body["type"], "about:blank", "{call}");
    assert_eq!(body["title"], reason(answer.status), "{call}");
    assert_eq!(body.get("current").is_some(), answer.status == 412, "{call}: {body}");
}

/// The reason phrases of RFC 9110.
fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        503 => "Service Unavailable",
        status => panic!("no error of the API has the status {status}"),
    }
}

fn fits(path: &str, template: &str) -> bool {
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
