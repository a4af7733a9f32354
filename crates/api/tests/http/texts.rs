//! Titles and descriptions: which are valid, and that they are stored exactly.

use serde_json::{Value, json};

use crate::support::{Api, TODOS, path_of};

/// A character outside the Basic Multilingual Plane: two UTF-16 units, four UTF-8 bytes.
const ASTRAL: &str = "🦀";

pub(crate) fn unusual_texts_are_kept_exactly(api: Api) {
    let ann = api.user();
    for text in [
        "  leading and trailing  ",
        "line\r\nfeeds\n\tand tabs",
        "\u{1}\u{7f}\u{85}\u{2028}control",
        "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽",
        "شراء الحليب \u{202e}desrever\u{202c}",
        "e\u{301} is not \u{e9}",
        "\u{feff}byte order mark",
        "ﬁ ß İ ǅ",
        "\u{10ffff}\u{fffd}\u{e000}",
        "'; DROP TABLE todos; --",
        r#"<script>alert("1")</script> \u0041 \\ / %00"#,
    ] {
        let todo = ann.post(&json!({"title": text, "description": text})).expect(201);
        assert_eq!((&todo["title"], &todo["description"]), (&json!(text), &json!(text)));
        assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
        assert_eq!(ann.items(TODOS)[0], todo);

        let plain = ann.create("plain");
        let change = json!({"title": text, "description": text});
        let after = ann.patch(path_of(&plain), &change).expect(200);
        assert_eq!((&after["title"], &after["description"]), (&json!(text), &json!(text)));
    }
}

pub(crate) fn an_empty_description_is_not_null(api: Api) {
    let ann = api.user();
    for description in [Value::Null, json!("")] {
        let body = json!({"title": "Two kinds of nothing", "description": description});
        let todo = ann.post(&body).expect(201);
        assert_eq!(todo["description"], description);
        assert_eq!(ann.get(path_of(&todo)).expect(200)["description"], description);
        assert_eq!(ann.items(TODOS)[0]["description"], description);
    }
}

pub(crate) fn lengths_are_counted_in_code_points(api: Api) {
    let ann = api.user();
    let longest = json!({"title": ASTRAL.repeat(255), "description": ASTRAL.repeat(2_000)});
    let todo = ann.post(&longest).expect(201);
    assert_eq!(todo["title"], longest["title"]);
    assert_eq!(ann.get(path_of(&todo)).expect(200)["description"], longest["description"]);

    let too_long = json!({"title": ASTRAL.repeat(256), "description": ASTRAL.repeat(2_001)});
    ann.post(&too_long).expect_invalid_fields(&["title", "description"]);
    ann.patch(path_of(&todo), &too_long).expect_invalid_fields(&["title", "description"]);
    // Combining characters count separately.
    ann.post(&json!({"title": "e\u{301}".repeat(128)})).expect_invalid_fields(&["title"]);
}

pub(crate) fn a_title_of_white_space_is_rejected(api: Api) {
    let ann = api.user();
    let todo = ann.create("Solid");
    for blank in [" ", "\t\r\n", "\u{a0}", "\u{3000}", "\u{2003}\u{2029}", "\u{1680} \u{202f}"] {
        ann.post(&json!({"title": blank})).expect_invalid_fields(&["title"]);
        ann.patch(path_of(&todo), &json!({"title": blank})).expect_invalid_fields(&["title"]);
        // A description may be white space.
        let spaced = ann.post(&json!({"title": "Spaced", "description": blank})).expect(201);
        assert_eq!(spaced["description"], blank);
    }
    assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
}

pub(crate) fn the_character_nul_is_rejected(api: Api) {
    let ann = api.user();
    let todo = ann.create("Without");
    for text in ["\0", "in\0side", "end\0"] {
        let body = json!({"title": text, "description": text});
        let messages = ann.post(&body).expect_invalid_fields(&["title", "description"]);
        assert!(messages.iter().all(|it| it.contains("U+0000")), "{messages:?}");
        ann.patch(path_of(&todo), &body).expect_invalid_fields(&["title", "description"]);
    }
    assert_eq!(ann.items(TODOS), [todo]);
}

pub(crate) fn unpaired_surrogates_are_rejected(api: Api) {
    let ann = api.user();
    for body in [r#"{"title":"\ud83e"}"#, r#"{"title":"\udd80\ud83e"}"#] {
        let call = ann.call("POST", TODOS).header("Content-Type", "application/json");
        call.body(body).send().expect_invalid_fields(&["body"]);
    }
    let call = ann.call("POST", TODOS).header("Content-Type", "application/json");
    assert_eq!(call.body(r#"{"title":"\ud83e\udd80"}"#).send().expect(201)["title"], ASTRAL);
}
