//! Bad query parameters.

use std::slice;

use serde_json::json;

use crate::support::{Api, TODOS, escaped};

pub(crate) fn each_bad_parameter_of_a_list_is_named(api: Api) {
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
        ("is_completed", &["TRUE", "1", "yes", "", "null", "true%20"]),
        ("sort", &["", "title", "--created_at", "+created_at", "CREATED_AT", "created_at,id"]),
        ("cursor", &["", "x", "null", "AQAGRc5tzWwAAZjywG0efDqfACt9PBpeT9_J5hU"]),
        ("q", &["%00", "a%00b", "%ff", "a%C3", "%ED%A0%80"]),
    ] {
        for value in values {
            let answer = ann.get(format!("{TODOS}?{field}={value}"));
            let messages = answer.bad_fields(&[field]);
            assert!(messages[0].starts_with("must "), "{messages:?}");
        }
        let good = values[0];
        let twice = ann.get(format!("{TODOS}?{field}={good}&{field}={good}"));
        assert_eq!(twice.bad_fields(&[field]), ["must be given only once"]);
    }
    let long = "ä".repeat(256);
    ann.get(format!("{TODOS}?q={}", escaped(&long))).bad_fields(&["q"]);
    assert!(ann.items(format!("{TODOS}?q={}", escaped(&long[2..]))).is_empty());
    // What replaces invalid UTF-8 is a character like any other when it is meant.
    assert!(ann.items(format!("{TODOS}?q=%EF%BF%BD")).is_empty());
}

pub(crate) fn all_bad_parameters_are_named_at_once(api: Api) {
    let all = "limit=0&is_completed=maybe&sort=up&cursor=x&q=%00";
    let fields = ["limit", "is_completed", "sort", "cursor", "q"];
    api.user().get(format!("{TODOS}?{all}")).bad_fields(&fields);
}

pub(crate) fn each_bad_parameter_of_a_change_of_many_is_named(api: Api) {
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
        ann.delete(format!("{TODOS}?{query}")).bad_fields(fields);
        ann.patch(format!("{TODOS}?{query}"), &change).bad_fields(fields);
    }
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn unknown_parameters_are_ignored(api: Api) {
    let ann = api.user();
    let todo = ann.create("Still listed");
    for query in ["page=7", "Limit=0", "limit[]=0", "&&=&x", "a=%zz", "a=%ff", "=%00"] {
        assert_eq!(ann.items(format!("{TODOS}?{query}")), slice::from_ref(&todo));
    }
}
