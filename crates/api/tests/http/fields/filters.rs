//! `priority`, `tag`, `due_before`, `due_after` and `has_due`.

use serde_json::json;

use crate::support::{Api, Client, TODOS, percent_encoded};

fn found(client: &Client<'_>, query: &str) -> String {
    let titles = client.titles(format!("{TODOS}?sort=created_at&{query}")).join(" ");
    let count = client.get(format!("{TODOS}/stats?{query}")).expect(200)["total"].clone();
    assert_eq!(count, titles.split_whitespace().count(), "{query}");
    titles
}

pub(crate) fn any_priority_and_all_tags_have_to_match(api: Api) {
    let ann = api.user();
    for (title, priority, tags) in [
        ("a", "low", json!(["home"])),
        ("b", "medium", json!(["Home", "Garden"])),
        ("c", "high", json!(["work", "homework"])),
        ("d", "high", json!(["garden", "home"])),
    ] {
        ann.post(&json!({"title": title, "priority": priority, "tags": tags})).expect(201);
    }
    for (query, titles) in [
        ("priority=high", "c d"),
        ("priority=low&priority=high&priority=low", "a c d"),
        ("tag=HOME", "a b d"),
        ("tag=%20home&tag=garden", "b d"),
        ("tag=home&tag=work", ""),
        ("tag=home&priority=high", "d"),
        ("tag=homework&q=C", "c"),
        ("tag=%25", ""),
    ] {
        assert_eq!(found(&ann, query), titles, "{query}");
    }
    let deleted = ann.delete(format!("{TODOS}?tag=home&priority=low&priority=high")).expect(200);
    assert_eq!(deleted, json!({"affected": 2}));
    assert_eq!(found(&ann, ""), "b c");
}

pub(crate) fn a_date_is_compared_as_a_whole_day_in_the_zone_of_the_instant(api: Api) {
    let ann = api.user();
    for (title, due) in [
        ("date", json!("2026-03-01")),
        ("instant", json!("2026-03-01T12:00:00Z")),
        ("never", json!(null)),
    ] {
        ann.post(&json!({"title": title, "due": due})).expect(201);
    }
    for (name, moment, titles) in [
        ("due_before", "2026-03-01", ""),
        ("due_before", "2026-03-02", "date instant"),
        ("due_before", "2026-03-01T23:59:59.999999Z", "instant"),
        ("due_before", "2026-03-02T00:00:00Z", "date instant"),
        // In this zone, the first of March has ended already.
        ("due_before", "2026-03-02T00:00:00+14:00", "date"),
        ("due_before", "2026-03-01T12:00:00Z", ""),
        ("due_before", "2026-03-01T12:00:00.000001Z", "instant"),
        ("due_after", "2026-02-28", "date instant"),
        ("due_after", "2026-03-01", ""),
        ("due_after", "2026-02-28T23:59:59Z", "date instant"),
        ("due_after", "2026-03-01T00:00:00Z", "instant"),
        ("due_after", "2026-02-28T23:59:59-12:00", "date instant"),
        ("due_after", "2026-03-01T12:00:00Z", ""),
    ] {
        let query = format!("{name}={}", percent_encoded(moment));
        assert_eq!(found(&ann, &query), titles, "{query}");
    }
    assert_eq!(found(&ann, "due_after=2026-02-28&due_before=2026-03-02"), "date instant");
    assert_eq!(found(&ann, "due_after=2026-03-02&due_before=2026-02-28"), "");
}

pub(crate) fn todos_with_or_without_a_due_time_are_found(api: Api) {
    let ann = api.user();
    ann.post(&json!({"title": "due", "due": "2026-03-01"})).expect(201);
    ann.create("free");
    assert_eq!(found(&ann, "has_due=true"), "due");
    assert_eq!(found(&ann, "has_due=false"), "free");
    assert_eq!(found(&ann, "has_due=false&due_before=9999-12-31"), "");
    // Each of them is a filter for a bulk call.
    for (query, affected) in
        [("has_due=false", 1), ("due_before=2026-03-02", 1), ("tag=x", 0), ("priority=low", 0)]
    {
        let deleted = ann.delete(format!("{TODOS}?{query}")).expect(200);
        assert_eq!(deleted, json!({"affected": affected}), "{query}");
        ann.delete(format!("{TODOS}?{query}&all=true")).expect_invalid_fields(&["all"]);
    }
}

pub(crate) fn invalid_filters_are_rejected_with_what_to_do(api: Api) {
    let ann = api.user();
    let plus = "has a space where the + of an offset should be: write + as %2B in a URL";
    let many_tags = vec!["tag=x"; 21].join("&");
    for (query, field, message) in [
        ("priority=urgent", "priority", "must be low, medium or high"),
        ("priority=", "priority", "must be low, medium or high"),
        (
            "priority=low&priority=low&priority=low&priority=low",
            "priority",
            "must be given at most 3 times",
        ),
        ("tag=", "tag", "must contain at least one character that is not white space"),
        ("tag=a&tag=b%2Cc", "tag", "must not contain a comma"),
        ("tag=%00", "tag", "must not contain the character U+0000"),
        (&many_tags, "tag", "must be given at most 20 times"),
        ("due_before=2026-03-01T09:00:00+01:00", "due_before", plus),
        ("due_after=2026-03-01T09:00:00%2001:00", "due_after", plus),
        ("has_due=yes", "has_due", "must be true or false"),
    ] {
        for path in [TODOS, &format!("{TODOS}/stats")] {
            let response = ann.get(format!("{path}?{query}"));
            assert_eq!(response.expect_invalid_fields(&[field]), [message]);
        }
        ann.delete(format!("{TODOS}?{query}")).expect_invalid_fields(&[field]);
    }
}

pub(crate) fn a_cursor_belongs_to_its_filters(api: Api) {
    let ann = api.user();
    for title in ["a", "b", "c"] {
        let body =
            json!({"title": title, "due": "2026-03-01", "tags": ["x", "y"], "priority": "high"});
        ann.post(&body).expect(201);
    }
    let queries = [
        "",
        "&priority=high",
        "&priority=high&priority=low",
        "&tag=x",
        "&tag=x&tag=y",
        "&due_before=2027-01-01",
        "&due_before=2027-01-02",
        "&due_after=2025-01-01",
        "&has_due=true",
        "&has_due=true&tag=x",
    ];
    let cursor = |query| {
        let page = ann.get(format!("{TODOS}?limit=1{query}")).expect(200);
        page["next_cursor"].as_str().unwrap().to_owned()
    };
    let cursors = queries.map(cursor);
    for (query, own) in queries.iter().zip(&cursors) {
        for other in &cursors {
            let response = ann.get(format!("{TODOS}?limit=1{query}&cursor={other}"));
            if other == own {
                assert_eq!(response.expect(200)["count"], 1, "{query}");
            } else {
                response.expect_invalid_fields(&["cursor"]);
            }
        }
    }
    // Equivalent filters are the same list.
    let same = format!("{TODOS}?limit=1&tag=%20Y&tag=X&tag=y&cursor={}", cursors[4]);
    assert_eq!(ann.items(same).len(), 1);
}
