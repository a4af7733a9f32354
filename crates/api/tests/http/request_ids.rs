//! `X-Request-ID`. That it equals the `request_id` of an error is checked of every answer.

use std::collections::HashSet;

use uuid::Uuid;

use crate::support::{Api, TODOS};

pub(crate) fn every_answer_has_an_id_of_its_own(api: Api) {
    let ann = api.user();
    let mut ids = HashSet::new();
    for target in [TODOS, "/health", "/nowhere", "/api/v1/todos/17", "/openapi.json", "/docs"] {
        for _ in 0..3 {
            let id = ann.get(target).header("x-request-id").unwrap().to_owned();
            assert!(Uuid::parse_str(&id).is_ok(), "{id}");
            assert!(ids.insert(id), "{target}");
        }
    }
}

pub(crate) fn the_clients_own_id_is_taken_over(api: Api) {
    let ann = api.user();
    for id in ["1", "trace:01_a-b.c", "00-4bf92f3577b34da6a3ce929d0e0e4736-01", &"x".repeat(128)] {
        for (method, target) in
            [("GET", TODOS), ("GET", "/nowhere"), ("GET", "/api/v1/todos/17"), ("POST", "/health")]
        {
            let answer = ann.call(method, target).header("X-Request-ID", id).send();
            assert_eq!(answer.header("x-request-id"), Some(id));
        }
    }
}

pub(crate) fn an_insane_id_is_replaced(api: Api) {
    let insane: &[&[u8]] = &[
        b"",
        b"two words",
        b"a\tb",
        b"{}",
        b"\"quoted\"",
        b"a;b",
        b"\xc3\xa9",
        b"<b>",
        &[b'x'; 129],
        &[b'x'; 5_000],
    ];
    for id in insane {
        let answer = api.raw("GET", "/nowhere").header("X-Request-ID", id).send();
        // A server may refuse a header that no header can be; it may never repeat it.
        let given = answer.header("x-request-id").unwrap();
        assert!(Uuid::parse_str(given).is_ok(), "{id:?} gave {given}");
    }
    let twice = api.raw("GET", "/health").header("X-Request-ID", "a").header("X-Request-ID", "b");
    assert!(Uuid::parse_str(twice.send().header("x-request-id").unwrap()).is_ok());
}
