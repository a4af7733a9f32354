//! Faults of any request, by the flags.

use std::time::{Duration, Instant};

use super::{ADA, LINUS, Sandbox, TODOS, path, todo};
use crate::support::run;

const AS_LINUS: [(&str, &str); 1] = [("X-User-ID", LINUS)];

/// Requests outside the API, and preflights, have no faults.
fn expect_no_other_faults(sandbox: &Sandbox) {
    for target in ["/health", "/health/ready", "/openapi.json", "/docs"] {
        assert_eq!(sandbox.call("GET", target, &[], None).unwrap().status, 200, "{target}");
    }
    let requested = [
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "content-type,x-user-id"),
    ];
    assert_eq!(sandbox.call("OPTIONS", &path(1), &requested, None).unwrap().status, 200);
}

#[test]
fn a_failure_by_rate_has_no_effect_and_has_retry_after() {
    let sandbox = Sandbox::start("--fail-rate 1");
    let response = sandbox.call("PUT", &path(1), &AS_LINUS, Some(&todo())).unwrap();
    assert_eq!(
        (response.status, &response.json()["error_code"]),
        (503, &"SERVICE_UNAVAILABLE".into())
    );
    assert_eq!(response.header("content-type"), Some("application/problem+json"));
    assert_eq!(response.header("retry-after"), Some("1"));
    // A page can read the header.
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    let exposed = response.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("retry-after"), "{exposed}");
    assert_eq!(sandbox.total(LINUS), 0);
    expect_no_other_faults(&sandbox);
}

#[test]
fn a_request_whose_response_is_lost_by_rate_is_executed() {
    let sandbox = Sandbox::start("--lose-answers 1");
    assert!(sandbox.call("PUT", &path(1), &AS_LINUS, Some(&todo())).is_none());
    assert_eq!(sandbox.total(LINUS), 1);
    assert!(sandbox.call("GET", TODOS, &AS_LINUS, None).is_none());
    expect_no_other_faults(&sandbox);
}

#[test]
fn some_requests_fail_by_rate_and_some_do_not() {
    let sandbox = Sandbox::start("--fail-rate 0.5 --seed 1");
    let calls = (0..40).map(|_| sandbox.call("GET", TODOS, &AS_LINUS, None).unwrap().status);
    let failed = calls.filter(|status| *status == 503).count();
    assert!((5..35).contains(&failed), "{failed}");
}

#[test]
fn the_same_seed_makes_the_same_faults() {
    let statuses = || -> Vec<u16> {
        let sandbox = Sandbox::start("--fail-rate 0.5 --seed 42");
        let calls = (0..20).map(|_| sandbox.call("GET", TODOS, &AS_LINUS, None).unwrap().status);
        calls.collect()
    };
    assert_eq!(statuses(), statuses());
}

#[test]
fn responses_take_as_long_as_the_flag_says() {
    let sandbox = Sandbox::start("--latency 400ms..500ms");
    let start = Instant::now();
    assert_eq!(sandbox.call("GET", TODOS, &[("X-User-ID", ADA)], None).unwrap().status, 200);
    // Never sooner; how much later depends on the machine.
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
    expect_no_other_faults(&sandbox);
}

#[test]
fn an_invalid_value_of_a_flag_is_rejected() {
    for (flag, values) in [
        ("--latency", &["soon", "2s..1s", "61s", ""][..]),
        ("--fail-rate", &["1.5", "5%", "-0.1", "NaN", ""]),
        ("--lose-answers", &["2", "often", ""]),
        ("--seed", &["-1", "x", ""]),
    ] {
        for value in values {
            run(&["sandbox", &format!("{flag}={value}")], &[]).failed(2, &[flag]);
        }
    }
}

#[test]
fn other_commands_reject_the_flags() {
    for flag in ["--latency=1s", "--fail-rate=0.5", "--lose-answers=0.5", "--seed=1"] {
        let name = flag.split('=').next().unwrap();
        let memory = [("DATABASE_URL", "sqlite::memory:")];
        for command in [&[][..], &["serve"], &["openapi"], &["migrate", "status"]] {
            run(&[command, &[flag]].concat(), &memory).failed(2, &[name]);
        }
    }
}
