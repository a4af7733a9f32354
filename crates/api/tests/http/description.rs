//! The API description itself. The test client checks every response against it.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::support::{Api, Operation};

/// Every operation, and the statuses that it can return.
const OPERATIONS: [(&str, &str, &str, &[u16]); 17] = [
    ("createTodo", "POST", "/api/v1/todos", &[201, 400, 408, 409, 413, 415, 422, 429, 500, 503]),
    ("listTodos", "GET", "/api/v1/todos", &[200, 304, 400, 412, 422, 429, 500, 503]),
    ("listChanges", "GET", "/api/v1/todos/changes", &[200, 400, 410, 422, 429, 500, 503]),
    ("updateTodos", "PATCH", "/api/v1/todos", &[200, 400, 408, 413, 415, 422, 429, 500, 503]),
    ("deleteTodos", "DELETE", "/api/v1/todos", &[200, 400, 422, 429, 500, 503]),
    ("todoStats", "GET", "/api/v1/todos/stats", &[200, 400, 422, 429, 500, 503]),
    ("streamEvents", "GET", "/api/v1/todos/events", &[200, 400, 422, 429, 500, 503]),
    ("getTodo", "GET", "/api/v1/todos/{todo_id}", &[200, 304, 400, 404, 412, 422, 429, 500, 503]),
    (
        "updateTodo",
        "PATCH",
        "/api/v1/todos/{todo_id}",
        &[200, 400, 404, 408, 412, 413, 415, 422, 429, 500, 503],
    ),
    (
        "putTodo",
        "PUT",
        "/api/v1/todos/{todo_id}",
        &[200, 201, 400, 408, 409, 412, 413, 415, 422, 429, 500, 503],
    ),
    ("deleteTodo", "DELETE", "/api/v1/todos/{todo_id}", &[204, 400, 404, 412, 422, 429, 500, 503]),
    ("listTags", "GET", "/api/v1/tags", &[200, 400, 422, 429, 500, 503]),
    ("renameTag", "PATCH", "/api/v1/tags/{name}", &[200, 400, 408, 413, 415, 422, 429, 500, 503]),
    ("deleteTag", "DELETE", "/api/v1/tags/{name}", &[200, 400, 422, 429, 500, 503]),
    ("whoAmI", "GET", "/api/v1/me", &[200, 400, 422, 429, 500]),
    ("health", "GET", "/health", &[200]),
    ("ready", "GET", "/health/ready", &[200, 500, 503]),
];

pub(crate) fn the_committed_description_is_the_one_that_is_served(api: Api) {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let committed = fs::read_to_string(committed).unwrap();
    let is_same = committed == api.anonymous().get("/openapi.json").text();
    assert!(is_same, "docs/openapi.json is out of date: cargo run -- openapi > docs/openapi.json");
}

pub(crate) fn every_operation_and_every_status_is_described(api: Api) {
    assert!(api.description.document["openapi"].as_str().unwrap().starts_with("3.1."));
    let mut described: Vec<_> = api
        .operations()
        .into_iter()
        .map(|it| {
            let statuses = it.value["responses"].as_object().unwrap().keys();
            let mut statuses: Vec<u16> = statuses.map(|it| it.parse().unwrap()).collect();
            statuses.sort_unstable();
            (it.id, it.method, it.template, statuses)
        })
        .collect();
    described.sort();
    let mut expected = OPERATIONS.map(|(id, method, template, statuses)| {
        (id.to_owned(), method.to_owned(), template.to_owned(), statuses.to_vec())
    });
    expected.sort();
    assert_eq!(described, expected);
}

pub(crate) fn every_operation_is_documented(api: Api) {
    let document = &api.description.document;
    let tags = document["tags"].as_array().unwrap();
    for Operation { id, value, .. } in api.operations() {
        let summary = value["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty() && summary.lines().count() == 1, "{id}: {summary:?}");
        let used = value["tags"].as_array().unwrap();
        assert!(!used.is_empty(), "{id}");
        assert!(used.iter().all(|tag| tags.iter().any(|it| it["name"] == *tag)), "{id}: {used:?}");
        let description = value["description"].as_str().unwrap_or_default();
        assert!(!description.contains("# Errors"), "{id}: {description}");
        for parameter in value["parameters"].as_array().into_iter().flatten() {
            let text = parameter["description"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{id}: {parameter}");
        }
    }
}

pub(crate) fn every_response_body_has_a_valid_example(api: Api) {
    for Operation { id, method, template, value, .. } in api.operations() {
        let operation = format!("/paths/{}/{}", template.replace('/', "~1"), method.to_lowercase());
        for (status, response) in value["responses"].as_object().unwrap() {
            for (content_type, content) in response["content"].as_object().into_iter().flatten() {
                let place = format!("{operation}/responses/{status}/content");
                let schema = format!("{place}/{}/schema", content_type.replace('/', "~1"));
                let examples = examples(&api, content);
                assert!(!examples.is_empty(), "{id} {status} has no example");
                for example in examples {
                    api.description.validate(&format!("{id} {status}"), &schema, &example, true);
                    if content_type == "application/problem+json" {
                        assert_eq!(example["status"].to_string(), *status, "{id}: {example}");
                    }
                }
            }
        }
        if let Some(content) = value.pointer("/requestBody/content/application~1json") {
            let schema = format!("{operation}/requestBody/content/application~1json/schema");
            let examples = examples(&api, content);
            assert!(!examples.is_empty(), "{id} has no example of a body");
            for example in examples {
                api.description.validate(&id, &schema, &example, true);
            }
        }
    }
}

/// The examples of a media type, or else of the schema that it refers to.
fn examples(api: &Api, content: &Value) -> Vec<Value> {
    let named = content["examples"].as_object().into_iter().flatten();
    let mut examples: Vec<_> = named.map(|(_, example)| example["value"].clone()).collect();
    examples.extend(content.get("example").cloned());
    if let (true, Some(reference)) = (examples.is_empty(), content["schema"]["$ref"].as_str()) {
        let schema = api.description.document.pointer(reference.trim_start_matches('#')).unwrap();
        examples.extend(schema.get("example").cloned());
    }
    examples
}

pub(crate) fn the_schemas_have_the_names_of_the_contract(api: Api) {
    let schemas = api.description.document["components"]["schemas"].as_object().unwrap();
    for name in ["TodoCreate", "TodoUpdate", "TodoRead", "TodoList", "ErrorResponse"] {
        assert!(schemas.contains_key(name), "{name}");
    }
    let read = &schemas["TodoRead"];
    let required: BTreeSet<_> =
        read["required"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let properties: BTreeSet<_> =
        read["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(required, properties, "each field is always there");
    for name in ["TodoCreate", "TodoUpdate", "TodoPut", "TodoRead"] {
        let properties = &schemas[name]["properties"];
        assert_eq!(properties["description"]["type"], json!(["string", "null"]), "{name}");
        assert_eq!(properties["description"]["maxLength"], 2_000, "{name}");
        assert_eq!(properties["title"]["type"], "string", "{name}");
        assert_eq!(properties["title"]["minLength"], 1, "{name}");
        assert_eq!(properties["title"]["maxLength"], 255, "{name}");
    }
    assert_eq!(schemas["TodoCreate"]["required"], json!(["title"]));
    assert_eq!(schemas["TodoUpdate"].get("required"), None);
    assert!(!api.description.document.to_string().contains("\"nullable\""));
    // Some generators map `int64` to `bigint`, which cannot be serialized as JSON.
    assert!(!api.description.document.to_string().contains("\"int64\""));
    // Generators copy patterns into TypeScript regular expressions, where these characters would end the line.
    assert!(!api.description.document.to_string().contains(['\u{2028}', '\u{2029}']));
    assert_eq!(schemas["Health"]["enum"], json!(["healthy", "ready"]));
    let conflict = &schemas["PreconditionFailedResponse"];
    assert!(conflict["required"].as_array().unwrap().contains(&json!("current")), "{conflict}");
    assert!(conflict["properties"]["current"].to_string().contains("null"), "{conflict}");
    assert!(schemas["ErrorResponse"]["properties"].get("current").is_none());
}

pub(crate) fn bodies_allow_only_known_fields_and_mark_read_only_ones(api: Api) {
    const TODO: [&str; 6] = ["description", "due", "is_completed", "priority", "tags", "title"];
    let schemas = &api.description.document["components"]["schemas"];
    for (name, own) in [
        ("TodoCreate", &TODO[..]),
        ("TodoUpdate", &TODO),
        ("TodoPut", &TODO),
        ("TodosUpdate", &["add_tags", "due", "is_completed", "priority", "remove_tags"]),
        ("TagRename", &["name"]),
    ] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
        let properties = schemas[name]["properties"].as_object().unwrap();
        let (read_only, others): (Vec<_>, Vec<_>) =
            properties.iter().partition(|(_, schema)| schema["readOnly"] == true);
        let names = |fields: &[(&String, &Value)]| -> Vec<String> {
            let mut names: Vec<_> = fields.iter().map(|(name, _)| (*name).clone()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&others), own, "{name}");
        let ignored = ["completed_at", "created_at", "id", "updated_at", "user_id", "version"];
        assert_eq!(names(&read_only), ignored, "{name}");
    }
}

pub(crate) fn bodies_that_the_description_forbids_are_rejected(api: Api) {
    let ann = api.user();
    for body in [
        json!({}),
        json!({"title": ""}),
        json!({"title": " \t\u{a0}\u{3000}"}),
        json!({"title": "x".repeat(256)}),
        json!({"title": "a\0b"}),
        json!({"title": 1}),
        json!({"title": null}),
        json!({"title": "x", "description": "x".repeat(2_001)}),
        json!({"title": "x", "description": "\0"}),
        json!({"title": "x", "description": false}),
        json!({"title": "x", "is_completed": null}),
        json!({"title": "x", "completed": true}),
        json!({"title": "x", "priority": "urgent"}),
        json!({"title": "x", "priority": null}),
        json!({"title": "x", "due": 5}),
        json!({"title": "x", "tags": null}),
        json!({"title": "x", "tags": ["a,b"]}),
        json!({"title": "x", "tags": [" "]}),
        json!({"title": "x", "tags": ["x".repeat(51)]}),
        json!({"title": "x", "tags": (0..21).map(|it| it.to_string()).collect::<Vec<_>>()}),
    ] {
        assert!(!api.description.allows("TodoCreate", &body), "{body}");
        assert_eq!(ann.post(&body).status, 422, "{body}");
    }
}

pub(crate) fn the_caller_is_a_security_scheme_not_a_parameter(api: Api) {
    let document = &api.description.document;
    let scheme = &document["components"]["securitySchemes"]["userId"];
    assert_eq!(scheme["type"], "apiKey");
    assert_eq!((&scheme["in"], &scheme["name"]), (&json!("header"), &json!("X-User-ID")));
    assert_eq!(document["security"], json!([{"userId": []}]));
    for operation in api.operations() {
        assert!(!operation.has_parameter("X-User-ID"), "{}", operation.id);
        let is_health_check = operation.template.starts_with("/health");
        assert_eq!(operation.needs_caller(), !is_health_check, "{}", operation.id);
    }
}

pub(crate) fn the_examples_of_a_400_name_what_the_operation_accepts(api: Api) {
    for operation in api.user_operations() {
        let content = &operation.value["responses"]["400"]["content"]["application/problem+json"];
        let named: BTreeSet<_> = examples(&api, content)
            .iter()
            .flat_map(|example| example["field_errors"].as_array().unwrap().clone())
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect();
        let mut expected = BTreeSet::from(["X-User-ID".to_owned()]);
        let taken =
            ["todo_id", "If-Match"].into_iter().filter(|name| operation.has_parameter(name));
        expected.extend(taken.map(str::to_owned));
        assert_eq!(named, expected, "{}", operation.id);
    }
}

pub(crate) fn optional_parameters_have_no_example_because_swagger_ui_would_send_it(api: Api) {
    let mut with_examples = Vec::new();
    for Operation { id, value, .. } in api.operations() {
        for parameter in value["parameters"].as_array().into_iter().flatten() {
            let has_example = ["/example", "/examples", "/schema/example", "/schema/default"]
                .iter()
                .any(|place| parameter.pointer(place).is_some());
            if parameter["required"] == true {
                assert!(has_example, "{id}: {parameter}");
            } else if has_example {
                with_examples.push(format!("{id} {}", parameter["name"]));
            }
        }
    }
    // They need a filter. This one can do no harm.
    assert_eq!(with_examples, ["deleteTodos \"id\"", "updateTodos \"id\""]);
}

/// Each operation once, and each with the examples that it needs to succeed after those before it.
pub(crate) fn the_operations_succeed_with_their_examples_in_their_order(api: Api) {
    let mut operations = api.operations();
    operations.sort_by_key(|it| it.value["x-order"].as_u64());
    let places = operations.iter().map(|it| it.value["x-order"].as_u64().unwrap());
    assert!(places.eq(0..OPERATIONS.len() as u64));
    let ann = api.user();
    for Operation { id, method, template, value, .. } in operations {
        let (mut target, mut query) = (template, Vec::new());
        for parameter in value["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            match (&parameter["example"], parameter["in"].as_str()) {
                (Value::String(example), Some("path")) => {
                    target = target.replace(&format!("{{{name}}}"), example);
                }
                (Value::Array(items), Some("query")) => {
                    query.extend(items.iter().map(|it| format!("{name}={}", it.as_str().unwrap())));
                }
                (Value::Null, _) => {}
                _ => panic!("{id}: {parameter} has a new kind of example"),
            }
        }
        let mut call = ann.call(&method, format!("{target}?{}", query.join("&")));
        if let Some(content) = value.pointer("/requestBody/content/application~1json") {
            call = call.json(&examples(&api, content)[0]);
        }
        let answer = call.send();
        assert!((200..300).contains(&answer.status), "{id}: {}", answer.text());
    }
}
