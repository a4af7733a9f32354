//! Invalid query parameters.

use std::slice;

use serde_json::json;

use crate::support::{Api, TODOS, percent_encoded};

pub(crate) fn each_invalid_parameter_of_a_list_is_named(api: Api) {
    let ann = api.user();
    ann.create("Listed");
    for (field, values) in [
        (
            "limit",
            &[
                "0",
                "201",
                "abc",
                "-1",
                "+5",
                "%2B5",
                "",
                "1.5",
                "1e1",
                "%205",
                "99999999999999999999",
                "%D9%A3",
            ][..],
        ),
        ("id", &["", "1", "550e8400e29b41d4a716446655440000", "%00"]),
        ("is_completed", &["TRUE", "1", "yes", "", "null", "true%20"]),
        ("sort", &["", "id", "--created_at", "+created_at", "CREATED_AT", "created_at,id"]),
        ("has_due", &["1", ""]),
        ("due_before", &["", "tomorrow", "2026-02-30", "0000-01-01", "2026-03-01T09:00:00"]),
        ("due_after", &["2026-03-01T24:00:00Z", "10000-01-01"]),
        ("cursor", &["x", "null", "AQAGRc5tzWwAAZjywG0efDqfACt9PBpeT9_J5hU"]),
        ("q", &["%00", "a%00b", "%ff", "a%C3", "%ED%A0%80"]),
    ] {
        for value in values {
            let response = ann.get(format!("{TODOS}?{field}={value}"));
            let messages = response.expect_invalid_fields(&[field]);
            assert!(messages[0].starts_with("must "), "{messages:?}");
        }
        if field == "id" {
            continue;
        }
        let good = values[0];
        let twice = ann.get(format!("{TODOS}?{field}={good}&{field}={good}"));
        assert_eq!(twice.expect_invalid_fields(&[field]), ["must be given only once"]);
    }
    let long = "ä".repeat(256);
    ann.get(format!("{TODOS}?q={}", percent_encoded(&long))).expect_invalid_fields(&["q"]);
    assert!(ann.items(format!("{TODOS}?q={}", percent_encoded(&long[2..]))).is_empty());
    // The replacement character itself is valid.
    assert!(ann.items(format!("{TODOS}?q=%EF%BF%BD")).is_empty());
}

pub(crate) fn all_invalid_parameters_are_named(api: Api) {
    let all = "limit=0&is_completed=maybe&sort=up&cursor=x&q=%00";
    let fields = ["limit", "is_completed", "sort", "cursor", "q"];
    api.user().get(format!("{TODOS}?{all}")).expect_invalid_fields(&fields);
}

pub(crate) fn each_invalid_parameter_of_a_bulk_call_is_named(api: Api) {
    let ann = api.user();
    let todo = ann.create("Untouched");
    let change = json!({"is_completed": true});
    for (query, fields) in [
        ("is_completed=maybe", &["is_completed"][..]),
        ("all=maybe", &["all"]),
        ("all=", &["all"]),
        ("all=true&is_completed=1", &["is_completed"]),
        ("is_completed=false&q=%00", &["q"]),
        ("all=true&all=true", &["all"]),
        ("q=x&q=y&all=maybe", &["all", "q"]),
    ] {
        ann.delete(format!("{TODOS}?{query}")).expect_invalid_fields(fields);
        ann.patch(format!("{TODOS}?{query}"), &change).expect_invalid_fields(fields);
    }
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn every_operation_rejects_unknown_parameters(api: Api) {
    let ann = api.user();
    let todo = ann.create("Untouched");
    for operation in api.user_operations() {
        for (name, value) in [
            ("completed", "true"),
            ("Limit", "1"),
            ("limit[]", "1"),
            ("", "1"),
            ("x%C3", "%zz"),
            ("page", ""),
        ] {
            let target = operation.target(todo["id"].as_str().unwrap());
            let sign = if target.contains('?') { '&' } else { '?' };
            let call = ann.call(&operation.method, format!("{target}{sign}{name}={value}"));
            let call = match &operation.body {
                Some(body) => call.json(body),
                None => call,
            };
            let field = if name == "x%C3" { "x\u{fffd}" } else { name };
            let messages = call.send().expect_invalid_fields(&[field]);
            assert!(messages[0].starts_with("is unknown; "), "{messages:?}");
        }
    }
    assert_eq!(ann.items(TODOS), slice::from_ref(&todo));
    // Empty parameters are ignored.
    assert_eq!(ann.items(format!("{TODOS}?&&")), [todo]);
}

pub(crate) fn an_unknown_parameter_is_rejected_with_a_suggestion(api: Api) {
    let ann = api.user();
    for (query, field, message) in [
        ("completed=true", "completed", "is unknown; did you mean is_completed?"),
        ("ids=1", "ids", "is unknown; did you mean id?"),
        (
            "page=2",
            "page",
            "is unknown; the known names are cursor, due_after, due_before, has_due, id, is_completed, limit, priority, q, sort, tag",
        ),
    ] {
        assert_eq!(ann.get(format!("{TODOS}?{query}")).expect_invalid_fields(&[field]), [message]);
    }
    let one = ann.get(format!("{TODOS}/{}?fields=title", uuid::Uuid::nil()));
    let message = "is unknown; this operation takes no parameters";
    assert_eq!(one.expect_invalid_fields(&["fields"]), [message]);
    // Each parameter once, in order, and a limited number.
    let many: Vec<_> = (0..2_000).map(|number| format!("p{}", number % 1_000)).collect();
    let body = ann.get(format!("{TODOS}?{}", many.join("&"))).expect(422);
    assert_eq!(body["field_errors"].as_array().unwrap().len(), 20);
}

pub(crate) fn an_empty_cursor_is_the_first_page(api: Api) {
    let ann = api.user();
    let titles = ["one", "two", "three"].map(|title| ann.create(title)["title"].clone());
    let first = ann.get(format!("{TODOS}?limit=2&cursor=")).expect(200);
    assert_eq!(first["items"][0]["title"], titles[2]);
    let next = first["next_cursor"].as_str().unwrap();
    assert_eq!(ann.titles(format!("{TODOS}?limit=2&cursor={next}")), ["one"]);
    assert_eq!(ann.titles(format!("{TODOS}?cursor=")).len(), 3);
}
