//! `due`.

use serde_json::{Value, json};

use crate::support::{Api, TODOS, path_of};

pub(crate) fn a_date_comes_back_as_it_is(api: Api) {
    let ann = api.user();
    for date in ["2026-03-01", "2024-02-29", "0001-01-01", "9999-12-31", "1969-12-31"] {
        let todo = ann.post(&json!({"title": date, "due": date})).expect(201);
        assert_eq!(todo["due"], date);
        assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
        assert_eq!(ann.put(path_of(&todo), &todo).expect(200), todo, "sent back, it is the same");
    }
}

pub(crate) fn an_instant_comes_back_in_utc(api: Api) {
    let ann = api.user();
    for (sent, read) in [
        ("2026-03-01T09:00:00+01:00", "2026-03-01T08:00:00.000000Z"),
        ("2026-03-01T23:59:59.123456-11:30", "2026-03-02T11:29:59.123456Z"),
        ("2026-03-01T09:00:00.5Z", "2026-03-01T09:00:00.500000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
    ] {
        let todo = ann.post(&json!({"title": sent, "due": sent})).expect(201);
        assert_eq!(todo["due"], read, "{sent}");
        assert_eq!(ann.get(path_of(&todo)).expect(200), todo);
        assert_eq!(ann.put(path_of(&todo), &todo).expect(200), todo, "sent back, it is the same");
    }
}

pub(crate) fn a_due_time_is_cleared_by_null_only(api: Api) {
    let ann = api.user();
    let todo = ann.post(&json!({"title": "Due", "due": "2026-03-01"})).expect(201);
    let same = ann.patch(path_of(&todo), &json!({"title": "Still due"})).expect(200);
    assert_eq!(same["due"], "2026-03-01");
    let cleared = ann.patch(path_of(&todo), &json!({"due": null})).expect(200);
    assert_eq!((&cleared["due"], &cleared["version"]), (&Value::Null, &json!(3)));
    let last = "2026-03-01T23:59:59.999999Z";
    let instant = ann.patch(path_of(&todo), &json!({"due": last})).expect(200);
    let date = ann.patch(path_of(&todo), &json!({"due": "2026-03-01"})).expect(200);
    assert_eq!((&instant["due"], &date["due"]), (&json!(last), &json!("2026-03-01")));
    assert_eq!(date["version"], 5, "a date is another due time than the end of its day");
}

pub(crate) fn another_due_time_is_rejected(api: Api) {
    let ann = api.user();
    for due in [
        json!(""),
        json!("tomorrow"),
        json!("2026-3-1"),
        json!("2026-02-30"),
        json!("2026-03-01T09:00:00"),
        json!("2026-03-01 09:00:00Z"),
        json!("2026-03-01T24:00:00Z"),
        json!("2026-03-01T23:59:60Z"),
        json!("2026-03-01T09:00:00.1234567Z"),
        json!("0000-12-31"),
        json!("10000-01-01"),
        json!("0001-01-01T00:00:00+00:01"),
        json!("9999-12-31T23:59:59-00:01"),
        json!("2026-03-01\0"),
        json!(1_772_352_000),
        json!(false),
        json!({"date": "2026-03-01"}),
    ] {
        let messages = ann.post(&json!({"title": "x", "due": due})).expect_invalid_fields(&["due"]);
        assert!(messages[0].starts_with("must "), "{messages:?}");
    }
    assert!(ann.items(TODOS).is_empty());
}
