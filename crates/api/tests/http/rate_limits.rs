//! `RATE_LIMIT`: how many requests a user may send.

use std::thread;
use std::time::Duration;

use serde_json::json;
use todo_test_support::clients::http::Response;
use todo_test_support::database::TestDatabase;

use crate::support::{Api, TODOS};

/// Three requests at once, and so slow that none is added during a test.
const SLOW: [(&str, &str); 2] = [("RATE_LIMIT", "2/h"), ("RATE_LIMIT_BURST", "3")];

/// Expects a refused request. Returns how many seconds to wait.
#[track_caller]
fn refused(response: &Response) -> u64 {
    let detail = "Too many requests, try again later";
    response.expect_error(429, "TOO_MANY_REQUESTS", detail);
    response.header("retry-after").unwrap().parse().unwrap()
}

pub(crate) fn each_user_has_a_limit_of_their_own(database: TestDatabase) {
    let api = Api::start(database, &SLOW);
    let (alice, bob) = (api.user(), api.user());
    for _ in 0..3 {
        alice.get(TODOS).expect(200);
    }
    let wait = refused(&alice.get(TODOS));
    assert!((1..=1_800).contains(&wait), "{wait}");
    bob.get(TODOS).expect(200);
    refused(&alice.get("/api/v1/todos/stats"));
    // The same user in other letters.
    refused(&api.user_with_id(&alice.id().to_uppercase()).get(TODOS));
}

pub(crate) fn a_request_over_the_limit_changes_nothing(database: TestDatabase) {
    let api = Api::start(database, &SLOW);
    let alice = api.user();
    let todo = alice.create("Kept");
    let path = format!("{TODOS}/{}", todo["id"].as_str().unwrap());
    alice.create("Also kept");
    alice.patch(&*path, &json!({"title": "Changed"})).expect(200);
    refused(&alice.post(&json!({"title": "Refused"})));
    refused(&alice.delete(&*path));
    refused(&alice.patch(&*path, &json!({"title": "Refused"})));
    // Read by a server without a limit.
    let settings = [("MIGRATE_ON_START", "false")];
    let other = Api::start_at(api.database.as_ref().unwrap().url(), &settings);
    assert_eq!(other.user_with_id(alice.id()).titles(TODOS), ["Also kept", "Changed"]);
}

pub(crate) fn every_response_to_a_user_says_what_is_left(database: TestDatabase) {
    let api = Api::start(database, &SLOW);
    let alice = api.user();
    let left = |response: &Response| {
        assert_eq!(response.header("ratelimit-policy"), Some("\"user\";q=3;w=5400"));
        response.header("ratelimit").unwrap().to_owned()
    };
    let created = alice.post(&json!({"title": "One"}));
    assert_eq!((created.status, &*left(&created)), (201, "\"user\";r=2;t=1800"));
    let invalid = alice.get("/api/v1/todos/1");
    assert_eq!((invalid.status, &*left(&invalid)), (400, "\"user\";r=1;t=1800"));
    let head = alice.head(TODOS);
    assert_eq!((head.status, &*left(&head)), (200, "\"user\";r=0;t=1800"));
    let refused_response = alice.get(TODOS);
    let wait = refused(&refused_response);
    assert_eq!(left(&refused_response), format!("\"user\";r=0;t={wait}"));
    // Nobody is limited who is not identified.
    for response in [api.anonymous().get(TODOS), api.user_with_id("me").get(TODOS)] {
        assert_eq!((response.status, response.header("ratelimit")), (400, None));
    }
}

pub(crate) fn a_client_that_waits_as_told_is_served_again(database: TestDatabase) {
    let api = Api::start(database, &[("RATE_LIMIT", "1/s")]);
    let alice = api.user();
    // However slow the machine is, two of these requests are sent within a second.
    let wait = (0..1_000).find_map(|_| {
        let response = alice.get(TODOS);
        (response.status == 429).then(|| refused(&response))
    });
    assert_eq!(wait, Some(1));
    thread::sleep(Duration::from_secs(1));
    alice.get(TODOS).expect(200);
}

pub(crate) fn scripts_of_other_origins_can_read_the_limit(database: TestDatabase) {
    let api = Api::start(database, &[("RATE_LIMIT", "1/h")]);
    let alice = api.user();
    let origin = "http://localhost:3000";
    for status in [200, 429] {
        let response = alice.call("GET", TODOS).header("Origin", origin).send();
        assert_eq!(response.status, status);
        assert_eq!(response.header("access-control-allow-origin"), Some(origin));
        let exposed = response.header_list("access-control-expose-headers");
        for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
            assert!(exposed.iter().any(|it| it.eq_ignore_ascii_case(name)), "{name}: {exposed:?}");
        }
    }
}

pub(crate) fn health_checks_and_documents_are_not_limited(database: TestDatabase) {
    let api = Api::start(database, &[("RATE_LIMIT", "1/h")]);
    let alice = api.user();
    alice.get(TODOS).expect(200);
    refused(&alice.get(TODOS));
    for path in ["/health", "/health/ready", "/openapi.json"] {
        let response = alice.get(path);
        assert_eq!((response.status, response.header("ratelimit")), (200, None), "{path}");
    }
}

pub(crate) fn without_the_setting_there_is_no_limit(api: Api) {
    let alice = api.user();
    for _ in 0..200 {
        assert_eq!(alice.get(TODOS).header("ratelimit"), None);
    }
}
