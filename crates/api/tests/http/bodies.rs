//! Bodies that cannot be read, or break rules.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Api, Client, TODOS, at, path_of};

fn post(client: &Client<'_>, body: impl Into<Vec<u8>>) -> Answer {
    client.call("POST", TODOS).header("Content-Type", "application/json").body(body).send()
}

pub(crate) fn all_bad_fields_are_named_at_once(api: Api) {
    let ann = api.user();
    let todo = ann.create("Steadfast");
    let wrong = [json!(5), json!(1.5), json!(true), json!(["x"]), json!({"x": 1})];
    for value in &wrong {
        let body = json!({"title": value, "description": value});
        ann.post(&body).bad_fields(&["title", "description"]);
    }
    for value in wrong.iter().filter(|it| !it.is_boolean()).chain([&json!("true")]) {
        let body = json!({"title": [], "description": 0, "is_completed": value});
        let fields = ["title", "description", "is_completed"];
        ann.patch(path_of(&todo), &body).bad_fields(&fields);
        ann.put(path_of(&todo), &body).bad_fields(&fields);
        ann.patch(format!("{TODOS}?all=true"), &body).bad_fields(&fields);
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
        assert_eq!(ann.post(&body).bad_fields(&["title"]), [message]);
    }
    let all: Vec<Value> = vec![json!({"title": ""}), json!({"title": " "}), json!({"title": "\0"})];
    for body in all {
        let messages = ann.post(&body).bad_fields(&["title"]);
        assert!(messages[0].starts_with("must "), "{messages:?}");
    }
}

pub(crate) fn unknown_fields_are_refused_with_the_name_that_was_probably_meant(api: Api) {
    let ann = api.user();
    let todo = ann.create("Untouched");
    let whole = json!({"title": "x", "description": null, "is_completed": true});
    for operation in api.operations_of_users().iter().filter(|it| it.body.is_some()) {
        for (field, near) in [
            ("completed", Some("is_completed")),
            ("isCompleted", Some("is_completed")),
            ("colour", None),
            ("", None),
        ] {
            let mut body = if operation.id == "updateTodos" {
                json!({"is_completed": true})
            } else {
                whole.clone()
            };
            body[field] = json!({"title": "not this one", "deeper": [1]});
            let call = ann.call(&operation.method, operation.target(todo["id"].as_str().unwrap()));
            let messages = call.json(&body).send().bad_fields(&[field]);
            let expected = near.map(|near| format!("is not known here; did you mean {near}?"));
            assert!(expected.is_none_or(|it| messages == [it]), "{field}: {messages:?}");
        }
    }
    // Beside all else that is wrong.
    let body = json!({"titel": "x", "description": 5});
    ann.post(&body).bad_fields(&["description", "titel", "title"]);
    // `{"completed":true}` alone used to be answered with 200 and nothing done.
    let alone = json!({"completed": true});
    assert_eq!(
        ann.patch(path_of(&todo), &alone).bad_fields(&["completed"]),
        ["is not known here; did you mean is_completed?"]
    );
    // A short body has no long answer.
    let many: serde_json::Map<_, _> = (0..5_000).map(|it| (format!("{it}"), json!(0))).collect();
    let answer = ann.patch(path_of(&todo), &Value::Object(many)).expect(422);
    assert_eq!(answer["field_errors"].as_array().unwrap().len(), 20);
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn a_todo_can_be_sent_back_as_it_came(api: Api) {
    let ann = api.user();
    let mut todo = ann.create("Sent back");
    todo["completed_at"] = json!(null);
    let same = ann.patch(path_of(&todo), &todo).expect(200);
    assert_eq!((&same["version"], &same["title"]), (&json!(1), &todo["title"]));
    assert_eq!(ann.put(path_of(&todo), &todo).expect(200), same);
    let copy = ann.post(&todo).expect(201);
    assert_ne!(copy["id"], todo["id"]);
}

pub(crate) fn what_is_not_json_is_refused(api: Api) {
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
        post(&ann, body).bad_fields(&["body"]);
    }
    post(&ann, b"{\"title\":\"\xff\"}").bad_fields(&["body"]);
    post(&ann, b"\0").bad_fields(&["body"]);
    let deep = format!("{{\"title\":\"x\",\"deep\":{}}}", "[".repeat(30_000));
    post(&ann, deep).bad_fields(&["body"]);
    assert!(ann.items(TODOS).is_empty());
}

pub(crate) fn what_is_not_an_object_is_refused(api: Api) {
    let ann = api.user();
    for body in ["[]", "[\"title\"]", "[{\"title\":\"x\"}]", "\"title\"", "1", "true", "null"] {
        post(&ann, body).bad_fields(&["body"]);
        for (method, target) in [
            ("PATCH", at(&Uuid::nil().to_string())),
            ("PUT", at(&Uuid::nil().to_string())),
            ("PATCH", format!("{TODOS}?all=true")),
        ] {
            let call = ann.call(method, target).header("Content-Type", "application/json");
            call.body(body).send().bad_fields(&["body"]);
        }
    }
}

pub(crate) fn a_body_that_is_too_long_is_refused(api: Api) {
    const LIMIT: usize = 64 * 1024;
    const DETAIL: &str = "The request body must be at most 65536 bytes long";
    let ann = api.user();
    let padded = |length: usize| {
        let mut body = r#"{"title":"padded"}"#.to_owned();
        body.extend(std::iter::repeat_n(' ', length - body.len()));
        body
    };
    assert_eq!(post(&ann, padded(LIMIT)).expect(201)["title"], "padded");
    post(&ann, padded(LIMIT + 1)).refused(413, "PAYLOAD_TOO_LARGE", DETAIL);

    // The length alone is enough; none of it is waited for.
    let json = |method, target| {
        api.raw(method, target)
            .header("X-User-ID", ann.id())
            .header("Content-Type", "application/json")
    };
    let announced = json("POST", TODOS).header("Content-Length", "9999999999").send();
    announced.refused(413, "PAYLOAD_TOO_LARGE", DETAIL);

    let chunk = format!("{:x}\r\n{}\r\n", 1024, " ".repeat(1024));
    let chunked = |times: usize| {
        let start = r#"{"title":"chunked"}"#;
        let start = format!("{:x}\r\n{start}\r\n", start.len());
        let body = format!("{start}{}0\r\n\r\n", chunk.repeat(times));
        json("POST", TODOS).header("Transfer-Encoding", "chunked").body(body).send()
    };
    assert_eq!(chunked(63).expect(201)["title"], "chunked");
    chunked(64).refused(413, "PAYLOAD_TOO_LARGE", DETAIL);
    assert_eq!(ann.titles(TODOS), ["chunked", "padded"]);
}

pub(crate) fn a_body_of_another_media_type_is_refused(api: Api) {
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
        call.send().refused(415, "UNSUPPORTED_MEDIA_TYPE", json);
    }
    let raw = || {
        api.raw("POST", TODOS)
            .header("X-User-ID", ann.id())
            .header("Content-Length", body.len().to_string())
    };
    raw().body(body).send().refused(415, "UNSUPPORTED_MEDIA_TYPE", json);
    for encoding in ["gzip", "br", "deflate", "zstd"] {
        let raw = raw().header("Content-Type", "application/json");
        let answer = raw.header("Content-Encoding", encoding).body(body).send();
        let detail = "Send the body uncompressed, without the header Content-Encoding";
        answer.refused(415, "UNSUPPORTED_MEDIA_TYPE", detail);
    }
    for good in ["application/json", "Application/JSON;charset=UTF-8"] {
        let call = ann.call("POST", TODOS).header("Content-Type", good).body(body);
        call.send().expect(201);
    }
    assert_eq!(ann.items(TODOS).len(), 2);
}

pub(crate) fn a_body_that_breaks_off_changes_nothing(api: Api) {
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
