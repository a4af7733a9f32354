//! `ETag` and `If-None-Match`.

use serde_json::json;
use uuid::Uuid;

use crate::support::{Api, TODOS, path_of, todo_path};

pub(crate) fn every_response_with_a_todo_has_its_etag(api: Api) {
    let ann = api.user();
    let created = ann.post(&json!({"title": "Versioned"}));
    assert_eq!(created.header("etag"), Some("\"1\""));
    let path = path_of(&created.expect(201));
    assert_eq!(ann.get(&path).header("etag"), Some("\"1\""));
    assert_eq!(ann.head(&path).header("etag"), Some("\"1\""));
    let change = json!({"is_completed": true});
    assert_eq!(ann.patch(&path, &change).header("etag"), Some("\"2\""));
    assert_eq!(ann.patch(&path, &change).header("etag"), Some("\"2\""));
    let whole = json!({"title": "Replaced", "description": null, "is_completed": false});
    assert_eq!(ann.put(&path, &whole).header("etag"), Some("\"3\""));
    assert_eq!(ann.put(&path, &whole).header("etag"), Some("\"3\""));
    ann.patch(format!("{TODOS}?all=true"), &change).expect(200);
    let response = ann.get(&path);
    assert_eq!(response.header("etag"), Some("\"4\""));
    assert_eq!(response.expect(200)["version"], 4);
    let new = ann.put(todo_path(&Uuid::new_v4().to_string()), &whole);
    assert_eq!((new.status, new.header("etag")), (201, Some("\"1\"")));
}

pub(crate) fn an_unchanged_todo_is_not_sent_again(api: Api) {
    let ann = api.user();
    let path = path_of(&ann.create("Cached"));
    for tags in ["\"1\"", "W/\"1\"", "*", "\"7\", \"1\"", "\"x\",W/\"1\" , \"2\"", ",\"1\","] {
        for method in ["GET", "HEAD"] {
            let response = ann.call(method, &path).header("If-None-Match", tags).send();
            assert_eq!(response.status, 304, "{method} {tags}");
            assert_eq!(response.header("etag"), Some("\"1\""));
            assert!(response.body.is_empty());
            assert_eq!(response.header("content-length").unwrap_or("0"), "0");
        }
    }
    let lines = api.raw("GET", &path).header("X-User-ID", ann.id());
    let lines = lines.header("If-None-Match", "\"7\"").header("If-None-Match", "\"1\"").send();
    assert_eq!(lines.status, 304);
}

pub(crate) fn a_changed_todo_is_sent_again(api: Api) {
    let ann = api.user();
    let path = path_of(&ann.create("Fresh"));
    for tags in [
        "\"2\"",
        "\"\"",
        "\"01\"",
        "\"+1\"",
        "\"01x\"",
        "W/\"11\"",
        "\"a\", \"b\"",
        "\"99999999999999999999\"",
    ] {
        let response = ann.call("GET", &path).header("If-None-Match", tags).send();
        assert_eq!(response.expect(200)["title"], "Fresh", "{tags}");
    }
    let change = json!({"title": "Fresher"});
    ann.patch(&path, &change).expect(200);
    let response = ann.call("GET", &path).header("If-None-Match", "\"1\"").send();
    assert_eq!(response.expect(200)["title"], "Fresher");
    // An absent todo is not found, rather than not modified.
    ann.delete(&path).expect(204);
    ann.call("GET", &path).header("If-None-Match", "\"2\"").send().expect_not_found();
    ann.call("GET", &path).header("If-None-Match", "*").send().expect_not_found();
}

pub(crate) fn a_malformed_condition_is_rejected(api: Api) {
    let ann = api.user();
    let todo = ann.create("Unmoved");
    let whole = json!({"title": "Moved", "description": null, "is_completed": true});
    for (method, header) in [
        ("GET", "If-None-Match"),
        ("PUT", "If-None-Match"),
        ("PUT", "If-Match"),
        ("PATCH", "If-Match"),
        ("DELETE", "If-Match"),
        ("GET", "If-Match"),
        ("PATCH", "If-None-Match"),
        ("DELETE", "If-None-Match"),
    ] {
        for value in [
            "1",
            "\"1",
            "1\"",
            "W/1",
            "w/\"1\"",
            "\"1\" \"2\"",
            "*, \"1\"",
            "\"1\", *",
            "'1'",
            "\"1 \"",
        ] {
            let call = ann.call(method, path_of(&todo)).header(header, value);
            let call = if ["GET", "DELETE"].contains(&method) { call } else { call.json(&whole) };
            let detail = format!("Invalid {header} header");
            let body = call.send().expect_error(400, "VALIDATION_ERROR", &detail);
            assert_eq!(body["field_errors"][0]["field"], header, "{value}");
        }
    }
    assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
}
