//! `overdue`, `by_priority` and `now`.

use serde_json::json;

use crate::support::{Api, Client, TODOS, path_of, percent_encoded};

fn overdue(client: &Client<'_>, now: &str) -> u64 {
    let stats = client.get(format!("{TODOS}/stats?now={}", percent_encoded(now))).expect(200);
    stats["overdue"].as_u64().unwrap()
}

pub(crate) fn active_todos_are_counted_by_priority(api: Api) {
    let ann = api.user();
    for (priority, is_completed) in
        [("low", false), ("high", false), ("high", false), ("high", true), ("medium", true)]
    {
        let body = json!({"title": "x", "priority": priority, "is_completed": is_completed});
        ann.post(&body).expect(201);
    }
    let stats = ann.get(format!("{TODOS}/stats")).expect(200);
    assert_eq!(stats["by_priority"], json!({"low": 1, "medium": 0, "high": 2}));
    let stats = ann.get(format!("{TODOS}/stats?priority=low")).expect(200);
    assert_eq!(stats["by_priority"], json!({"low": 1, "medium": 0, "high": 0}));
}

pub(crate) fn todos_are_overdue_in_the_zone_of_the_caller(api: Api) {
    let ann = api.user();
    let todo = ann.post(&json!({"title": "Date", "due": "2026-03-01"})).expect(201);
    for (now, expected) in [
        ("2026-03-01T23:59:59Z", 0),
        ("2026-03-02T00:00:00Z", 1),
        // The same instant: the day has ended in Tokyo, but not in New York.
        ("2026-03-02T00:30:00+09:00", 1),
        ("2026-03-01T10:30:00-05:00", 0),
        ("2026-03-01T23:59:59.999999-12:00", 0),
        ("2026-03-02T00:00:00+14:00", 1),
    ] {
        assert_eq!(overdue(&ann, now), expected, "{now}");
    }
    let instant = json!({"title": "Instant", "due": "2026-03-01T12:00:00+02:00"});
    ann.post(&instant).expect(201);
    assert_eq!(overdue(&ann, "2026-03-01T10:00:00Z"), 0, "an instant is not before itself");
    assert_eq!(overdue(&ann, "2026-03-01T10:00:00.000001Z"), 1);
    assert_eq!(overdue(&ann, "2026-03-02T00:00:00Z"), 2);
    ann.patch(path_of(&todo), &json!({"is_completed": true})).expect(200);
    assert_eq!(overdue(&ann, "2026-03-02T00:00:00Z"), 1, "what is completed is not overdue");
    // By default, the present.
    let past = ann.get(format!("{TODOS}/stats")).expect(200);
    ann.post(&json!({"title": "Past", "due": "2001-01-01"})).expect(201);
    ann.post(&json!({"title": "Future", "due": "9999-01-01"})).expect(201);
    let now = ann.get(format!("{TODOS}/stats")).expect(200);
    assert_eq!(now["overdue"].as_u64().unwrap(), past["overdue"].as_u64().unwrap() + 1);
}

pub(crate) fn the_present_has_to_be_an_instant(api: Api) {
    let ann = api.user();
    let date = "must be an instant with its offset, as 2026-03-01T09:00:00+01:00, not a date";
    let plus = "has a space where the + of an offset should be: write + as %2B in a URL";
    for (now, message) in [("2026-03-01", date), ("2026-03-01T09:00:00+01:00", plus)] {
        let response = ann.get(format!("{TODOS}/stats?now={now}"));
        assert_eq!(response.expect_invalid_fields(&["now"]), [message]);
    }
    for now in ["", "now", "2026-03-01T09:00:00", "1772352000"] {
        ann.get(format!("{TODOS}/stats?now={now}")).expect_invalid_fields(&["now"]);
    }
    ann.get(format!("{TODOS}?now=2026-03-01T09:00:00Z")).expect_invalid_fields(&["now"]);
}
