//! `tags`.

use serde_json::json;

use crate::support::{Api, TODOS, path_of};

pub(crate) fn tags_are_kept_in_order_without_white_space_and_repetition(api: Api) {
    let ann = api.user();
    assert_eq!(ann.create("None")["tags"], json!([]));
    let long = "𝄞".repeat(50);
    for (sent, kept) in [
        (
            json!([" home\u{3000}", "at work", "HOME", "café", "CAFE\u{301}"]),
            json!(["home", "at work", "café"]),
        ),
        (json!([long]), json!([long])),
        (json!([format!("{}x", " ".repeat(60))]), json!(["x"])),
        (
            json!(["a/b", "100%", "..", "\"", "\\", "\u{1}", "日本"]),
            json!(["a/b", "100%", "..", "\"", "\\", "\u{1}", "日本"]),
        ),
        (json!([]), json!([])),
    ] {
        let todo = ann.post(&json!({"title": "x", "tags": sent})).expect(201);
        assert_eq!(todo["tags"], kept);
        assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
    }
    let twenty: Vec<_> = (0..20).map(|it| format!("{it}")).collect();
    let todo = ann.post(&json!({"title": "x", "tags": twenty})).expect(201);
    assert_eq!(todo["tags"], json!(twenty));
}

pub(crate) fn invalid_tags_are_rejected_with_their_index(api: Api) {
    let ann = api.user();
    let post = |tags| ann.post(&json!({"title": "x", "tags": tags}));
    let messages = post(json!(["ok", "", 5, "a,b", null, "\0", "é".repeat(51), ["x"]]))
        .expect_invalid_fields(&[
            "tags[1]", "tags[2]", "tags[3]", "tags[4]", "tags[5]", "tags[6]", "tags[7]",
        ]);
    assert_eq!(
        messages,
        [
            "must contain at least one character that is not white space",
            "must be a string, not a number",
            "must not contain a comma",
            "must be a string, not null",
            "must not contain the character U+0000",
            "must be at most 50 characters long, but has 51",
            "must be a string, not an array",
        ]
    );
    for (tags, message) in [
        (json!(null), "must be an array of strings, not null"),
        (json!("home"), "must be an array of strings, not a string"),
        (json!({"0": "home"}), "must be an array of strings, not an object"),
        (json!(vec!["x"; 21]), "must be at most 20 tags, but has 21"),
        (json!(vec![""; 1000]), "must be at most 20 tags, but has 1000"),
    ] {
        assert_eq!(post(tags).expect_invalid_fields(&["tags"]), [message]);
    }
    assert!(ann.items(TODOS).is_empty());
}

pub(crate) fn tags_are_replaced_as_a_whole(api: Api) {
    let ann = api.user();
    let todo = ann.post(&json!({"title": "x", "tags": ["a", "b"]})).expect(201);
    for (tags, version) in
        [(json!(["a", "b"]), 1), (json!(["b", "a"]), 2), (json!(["B"]), 3), (json!([]), 4)]
    {
        let todo = ann.patch(path_of(&todo), &json!({"tags": tags})).expect(200);
        assert_eq!((&todo["tags"], &todo["version"]), (&tags, &json!(version)));
    }
}
