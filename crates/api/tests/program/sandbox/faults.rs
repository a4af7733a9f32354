//! Faults that any request may have, because a flag says so.

use std::time::{Duration, Instant};

use super::{ADA, LINUS, Sandbox, TODOS, path, todo};
use crate::support::run;

const LINUS_CALLS: [(&str, &str); 1] = [("X-User-ID", LINUS)];

/// What is not the API, and preflights to it.
fn spares_all_else(sandbox: &Sandbox) {
    for target in ["/health", "/health/ready", "/openapi.json", "/docs"] {
        assert_eq!(sandbox.call("GET", target, &[], None).unwrap().status, 200, "{target}");
    }
    let asked = [
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "content-type,x-user-id"),
    ];
    assert_eq!(sandbox.call("OPTIONS", &path(1), &asked, None).unwrap().status, 200);
}

#[test]
fn what_fails_by_rate_has_not_acted_and_says_when_to_try_again() {
    let sandbox = Sandbox::start("--fail-rate 1");
    let answer = sandbox.call("PUT", &path(1), &LINUS_CALLS, Some(&todo())).unwrap();
    assert_eq!((answer.status, &answer.body["error_code"]), (503, &"SERVICE_UNAVAILABLE".into()));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    // A page may read it.
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let exposed = answer.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("retry-after"), "{exposed}");
    assert_eq!(sandbox.total(LINUS), 0);
    spares_all_else(&sandbox);
}

#[test]
fn what_loses_its_answer_by_rate_has_acted() {
    let sandbox = Sandbox::start("--lose-answers 1");
    assert!(sandbox.call("PUT", &path(1), &LINUS_CALLS, Some(&todo())).is_none());
    assert_eq!(sandbox.total(LINUS), 1);
    assert!(sandbox.call("GET", TODOS, &LINUS_CALLS, None).is_none());
    spares_all_else(&sandbox);
}

#[test]
fn some_requests_fail_by_a_rate_and_some_do_not() {
    let sandbox = Sandbox::start("--fail-rate 0.5 --seed 1");
    let calls = (0..40).map(|_| sandbox.call("GET", TODOS, &LINUS_CALLS, None).unwrap().status);
    let failed = calls.filter(|status| *status == 503).count();
    assert!((5..35).contains(&failed), "{failed}");
}

#[test]
fn the_same_seed_makes_the_same_faults() {
    let statuses = || -> Vec<u16> {
        let sandbox = Sandbox::start("--fail-rate 0.5 --seed 42");
        let calls = (0..20).map(|_| sandbox.call("GET", TODOS, &LINUS_CALLS, None).unwrap().status);
        calls.collect()
    };
    assert_eq!(statuses(), statuses());
}

#[test]
fn answers_take_as_long_as_the_flag_says() {
    let sandbox = Sandbox::start("--latency 400ms..500ms");
    let start = Instant::now();
    assert_eq!(sandbox.call("GET", TODOS, &[("X-User-ID", ADA)], None).unwrap().status, 200);
    // Never sooner; how much later depends on the machine.
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
    spares_all_else(&sandbox);
}

#[test]
fn a_bad_value_of_a_flag_is_told() {
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
fn the_flags_are_refused_elsewhere() {
    for flag in ["--latency=1s", "--fail-rate=0.5", "--lose-answers=0.5", "--seed=1"] {
        let name = flag.split('=').next().unwrap();
        let memory = [("DATABASE_URL", "sqlite::memory:")];
        for command in [&[][..], &["serve"], &["openapi"], &["migrate", "status"]] {
            run(&[command, &[flag]].concat(), &memory).failed(2, &[name]);
        }
    }
}
