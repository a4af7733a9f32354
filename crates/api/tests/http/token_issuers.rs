//! The issuer of the tokens: while it rotates its keys or fails, no user is refused.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use todo_test_support::database::TestDatabase;
use todo_test_support::issuer::{Answer, Issuer, Kind, base64url};

use crate::support::{Api, ME, Response, TODOS};

/// Ends a test that hangs.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// The caller that this token names.
fn me(api: &Api, token: &str) -> Response {
    api.anonymous().call("GET", ME).header("Authorization", &format!("Bearer {token}")).send()
}

pub(crate) fn without_keys_nobody_is_refused(database: TestDatabase) {
    let issuer = Issuer::start(&[Kind::Rs256]);
    issuer.answer(Answer::Status(500));
    let api = Api::start_with(issuer, database);
    let issuer = api.issuer.as_ref().unwrap();
    let ann = api.user();
    ann.get("/health").expect(200);
    for target in ["/health/ready", TODOS, ME] {
        let response = ann.get(target);
        assert_eq!(response.expect(503)["error_code"], "SERVICE_UNAVAILABLE");
        let seconds: u64 = response.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=10).contains(&seconds), "{seconds}");
    }
    issuer.answer(Answer::Keys);
    api.wait_until_ready();
    ann.create("At last");
}

pub(crate) fn a_rotation_under_load_refuses_nobody(database: TestDatabase) {
    let api = Api::with_tokens(database);
    let issuer = api.issuer.as_ref().unwrap();
    let old = issuer.token("old");
    let (is_over, accepted) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    // A token of the newest key, which the server may not know yet.
                    let response = me(&api, &issuer.token("new"));
                    assert!([200, 503].contains(&response.status), "{}", response.text());
                    // One of a key that was known from the beginning.
                    me(&api, &old).expect(200);
                    accepted.fetch_add(usize::from(response.status == 200), Ordering::Relaxed);
                }
            });
        }
        // While the load goes on, the new key is accepted soon.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            issuer.add(Kind::Rs256);
            let (token, start) = (issuer.token("new"), Instant::now());
            while me(&api, &token).status != 200 {
                assert!(start.elapsed() < HANG_TIMEOUT, "the new key is never accepted");
                thread::sleep(Duration::from_millis(50));
            }
        }));
        is_over.store(true, Ordering::Relaxed);
        result.unwrap();
    });
    assert!(accepted.into_inner() > 0);
    // At the start, and once for the new key.
    assert!(issuer.fetches() <= 2, "{}", issuer.fetches());
}

pub(crate) fn a_flood_of_unknown_keys_costs_good_users_nothing(database: TestDatabase) {
    let api = Api::with_tokens(database);
    let issuer = api.issuer.as_ref().unwrap();
    let good = issuer.token("ann");
    let start = Instant::now();
    thread::scope(|scope| {
        for flood in 0..4 {
            let api = &api;
            scope.spawn(move || {
                for number in 0..500 {
                    let header = json!({"alg": "RS256", "kid": format!("{flood}-{number}")});
                    let part = |it: &serde_json::Value| base64url(it.to_string().as_bytes());
                    let claims = issuer.claims("eve");
                    let response = me(api, &format!("{}.{}.AAAA", part(&header), part(&claims)));
                    assert!([401, 503].contains(&response.status), "{}", response.text());
                }
            });
        }
        for _ in 0..500 {
            me(&api, &good).expect(200);
        }
    });
    let allowed = 2 + start.elapsed().as_secs() / 10;
    assert!(issuer.fetches() as u64 <= allowed, "{} of {allowed}", issuer.fetches());
}
