//! Malformed and invalid bodies.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, Client, Response, TODOS, path_of, todo_path};

fn post(client: &Client<'_>, body: impl Into<Vec<u8>>) -> Response {
    client.call("POST", TODOS).header("Content-Type", "application/json").body(body).send()
}

pub(crate) fn all_invalid_fields_are_named(api: Api) {
    let ann = api.user();
    let todo = ann.create("Steadfast");
    let wrong = [json!(5), json!(1.5), json!(true), json!(["x"]), json!({"x": 1})];
    for value in &wrong {
        let body = json!({"title": value, "description": value});
        ann.post(&body).expect_invalid_fields(&["title", "description"]);
    }
    for value in wrong.iter().filter(|it| !it.is_boolean()).chain([&json!("true")]) {
        let body = json!({"title": [], "description": 0, "is_completed": value});
        let fields = ["title", "description", "is_completed"];
        ann.patch(path_of(&todo), &body).expect_invalid_fields(&fields);
        ann.put(path_of(&todo), &body).expect_invalid_fields(&fields);
        ann.patch(format!("{TODOS}?all=true"), &body).expect_invalid_fields(&fields);
    }
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn each_message_says_how_to_fix_it(api: Api) {
    let ann = api.user();
    for (body, message) in [
        (json!({}), "is required"),
        (json!({"title": null}), "must be a string, not null"),
        (json!({"title": 7}), "must be a string, not a number"),
        (json!({"title": []}), "must be a string, not an array"),
        (json!({"title": {}}), "must be a string, not an object"),
        (json!({"title": false}), "must be a string, not a boolean"),
        (json!({"title": "x".repeat(256)}), "must be at most 255 characters long, but has 256"),
    ] {
        assert_eq!(ann.post(&body).expect_invalid_fields(&["title"]), [message]);
    }
    let all: Vec<Value> = vec![json!({"title": ""}), json!({"title": " "}), json!({"title": "\0"})];
    for body in all {
        let messages = ann.post(&body).expect_invalid_fields(&["title"]);
        assert!(messages[0].starts_with("must "), "{messages:?}");
    }
}

pub(crate) fn unknown_fields_are_rejected_with_a_suggestion(api: Api) {
    let ann = api.user();
    let todo = ann.create("Untouched");
    let whole = json!({"title": "x", "description": null, "is_completed": true});
    for operation in api.user_operations().iter().filter(|it| it.body.is_some()) {
        for (field, near) in [
            ("completed", Some("is_completed")),
            ("isCompleted", Some("is_completed")),
            ("colour", None),
            ("", None),
        ] {
            let (mut body, near) = match operation.id.as_str() {
                "updateTodos" => (json!({"is_completed": true}), near),
                "renameTag" => (json!({"name": "x"}), None),
                _ => (whole.clone(), near),
            };
            body[field] = json!({"title": "not this one", "deeper": [1]});
            let call = ann.call(&operation.method, operation.target(todo["id"].as_str().unwrap()));
            let messages = call.json(&body).send().expect_invalid_fields(&[field]);
            let expected = near.map(|near| format!("is unknown; did you mean {near}?"));
            assert!(expected.is_none_or(|it| messages == [it]), "{field}: {messages:?}");
        }
    }
    // Together with all other errors.
    let body = json!({"titel": "x", "description": 5});
    ann.post(&body).expect_invalid_fields(&["description", "titel", "title"]);
    // A body with only an unknown field used to return 200 and change nothing.
    let alone = json!({"completed": true});
    assert_eq!(
        ann.patch(path_of(&todo), &alone).expect_invalid_fields(&["completed"]),
        ["is unknown; did you mean is_completed?"]
    );
    // The number of errors in a response is limited.
    let many: serde_json::Map<_, _> = (0..5_000).map(|it| (format!("{it}"), json!(0))).collect();
    let response = ann.patch(path_of(&todo), &Value::Object(many)).expect(422);
    assert_eq!(response["field_errors"].as_array().unwrap().len(), 20);
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn a_todo_can_be_sent_back_unchanged(api: Api) {
    let ann = api.user();
    let mut todo = ann.create("Sent back");
    todo["completed_at"] = json!(null);
    let same = ann.patch(path_of(&todo), &todo).expect(200);
    assert_eq!((&same["version"], &same["title"]), (&json!(1), &todo["title"]));
    assert_eq!(ann.put(path_of(&todo), &todo).expect(200), same);
    let copy = ann.post(&todo).expect(201);
    assert_ne!(copy["id"], todo["id"]);
}

pub(crate) fn a_body_that_is_not_json_is_rejected(api: Api) {
    let ann = api.user();
    for body in [
        "",
        " ",
        "{",
        "{}}",
        "{\"title\":\"x\"",
        "{\"title\":\"x\",}",
        "{'title':'x'}",
        "{title:\"x\"}",
        "{\"title\":\"x\"}{}",
        "{\"title\":\"line\nfeed\"}",
        "{\"title\":\"x\",\"n\":NaN}",
        "\u{feff}{\"title\":\"x\"}",
        "title=x",
    ] {
        post(&ann, body).expect_invalid_fields(&["body"]);
    }
    post(&ann, b"{\"title\":\"\xff\"}").expect_invalid_fields(&["body"]);
    post(&ann, b"\0").expect_invalid_fields(&["body"]);
    let deep = format!("{{\"title\":\"x\",\"deep\":{}}}", "[".repeat(30_000));
    post(&ann, deep).expect_invalid_fields(&["body"]);
    assert!(ann.items(TODOS).is_empty());
}

pub(crate) fn a_body_that_is_not_an_object_is_rejected(api: Api) {
    let ann = api.user();
    for body in ["[]", "[\"title\"]", "[{\"title\":\"x\"}]", "\"title\"", "1", "true", "null"] {
        post(&ann, body).expect_invalid_fields(&["body"]);
        for (method, target) in [
            ("PATCH", todo_path(&Uuid::nil().to_string())),
            ("PUT", todo_path(&Uuid::nil().to_string())),
            ("PATCH", format!("{TODOS}?all=true")),
        ] {
            let call = ann.call(method, target).header("Content-Type", "application/json");
            call.body(body).send().expect_invalid_fields(&["body"]);
        }
    }
}

pub(crate) fn a_body_that_is_too_long_is_rejected(api: Api) {
    const LIMIT: usize = 64 * 1024;
    const DETAIL: &str = "The request body must be at most 65536 bytes long";
    let ann = api.user();
    let padded = |length: usize| {
        let mut body = r#"{"title":"padded"}"#.to_owned();
        body.extend(std::iter::repeat_n(' ', length - body.len()));
        body
    };
    assert_eq!(post(&ann, padded(LIMIT)).expect(201)["title"], "padded");
    post(&ann, padded(LIMIT + 1)).expect_error(413, "PAYLOAD_TOO_LARGE", DETAIL);

    // The server rejects the body by its length alone, without waiting for it.
    let json = |method, target| {
        api.raw(method, target)
            .header("X-User-ID", ann.id())
            .header("Content-Type", "application/json")
    };
    let announced = json("POST", TODOS).header("Content-Length", "9999999999").send();
    announced.expect_error(413, "PAYLOAD_TOO_LARGE", DETAIL);

    let chunk = format!("{:x}\r\n{}\r\n", 1024, " ".repeat(1024));
    let chunked = |times: usize| {
        let start = r#"{"title":"chunked"}"#;
        let start = format!("{:x}\r\n{start}\r\n", start.len());
        let body = format!("{start}{}0\r\n\r\n", chunk.repeat(times));
        json("POST", TODOS).header("Transfer-Encoding", "chunked").body(body).send()
    };
    assert_eq!(chunked(63).expect(201)["title"], "chunked");
    chunked(64).expect_error(413, "PAYLOAD_TOO_LARGE", DETAIL);
    assert_eq!(ann.titles(TODOS), ["chunked", "padded"]);
}

pub(crate) fn a_body_of_another_media_type_is_rejected(api: Api) {
    let ann = api.user();
    let body = r#"{"title":"x"}"#;
    let json = "Send the body as JSON in UTF-8, with the header Content-Type: application/json";
    for content_type in [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/merge-patch+json",
        "application/json; charset=latin1",
        "application/json; charset=utf-16",
        "*/*",
    ] {
        let call = ann.call("POST", TODOS).header("Content-Type", content_type).body(body);
        call.send().expect_error(415, "UNSUPPORTED_MEDIA_TYPE", json);
    }
    let raw = || {
        api.raw("POST", TODOS)
            .header("X-User-ID", ann.id())
            .header("Content-Length", body.len().to_string())
    };
    raw().body(body).send().expect_error(415, "UNSUPPORTED_MEDIA_TYPE", json);
    for encoding in ["gzip", "br", "deflate", "zstd"] {
        let raw = raw().header("Content-Type", "application/json");
        let response = raw.header("Content-Encoding", encoding).body(body).send();
        let detail = "Send the body uncompressed, without the header Content-Encoding";
        response.expect_error(415, "UNSUPPORTED_MEDIA_TYPE", detail);
    }
    for good in ["application/json", "Application/JSON;charset=UTF-8"] {
        let call = ann.call("POST", TODOS).header("Content-Type", good).body(body);
        call.send().expect(201);
    }
    assert_eq!(ann.items(TODOS).len(), 2);
}

pub(crate) fn a_truncated_body_changes_nothing(api: Api) {
    let ann = api.user();
    let raw = api
        .raw("POST", TODOS)
        .header("X-User-ID", ann.id())
        .header("Content-Type", "application/json")
        .header("Content-Length", "100")
        .body(r#"{"title":"broken off"}"#);
    drop(raw.open());
    ann.create("whole");
    assert_eq!(ann.titles(TODOS), ["whole"]);
}
