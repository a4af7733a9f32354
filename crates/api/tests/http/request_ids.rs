//! `X-Request-ID`. The test client checks for every error that it equals `request_id` in the body.

use std::collections::HashSet;

use uuid::Uuid;

use crate::support::{Api, TODOS};

pub(crate) fn every_response_has_its_own_id(api: Api) {
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

pub(crate) fn the_clients_request_id_is_kept(api: Api) {
    let ann = api.user();
    for id in ["1", "trace:01_a-b.c", "00-4bf92f3577b34da6a3ce929d0e0e4736-01", &"x".repeat(128)] {
        for (method, target) in
            [("GET", TODOS), ("GET", "/nowhere"), ("GET", "/api/v1/todos/17"), ("POST", "/health")]
        {
            let response = ann.call(method, target).header("X-Request-ID", id).send();
            assert_eq!(response.header("x-request-id"), Some(id));
        }
    }
}

pub(crate) fn an_invalid_request_id_is_replaced(api: Api) {
    let invalid: &[&[u8]] = &[
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
    for id in invalid {
        let response = api.raw("GET", "/nowhere").header("X-Request-ID", id).send();
        // A server may reject an invalid header, but must not echo it.
        let given = response.header("x-request-id").unwrap();
        assert!(Uuid::parse_str(given).is_ok(), "{id:?} gave {given}");
    }
    let twice = api.raw("GET", "/health").header("X-Request-ID", "a").header("X-Request-ID", "b");
    assert!(Uuid::parse_str(twice.send().header("x-request-id").unwrap()).is_ok());
}
