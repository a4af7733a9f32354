//! No error and no text shows the password of a URL, however invalid the URL is.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is a failure")]

mod common;

use std::error::Error;
use std::fmt::Write;

use proptest::prelude::*;
use proptest::sample::select;
use todo_infrastructure::{DatabaseUrl, open};

use crate::common::OPTIONS;

/// Occurs only in passwords.
const PASSWORD: &str = "h0rse";

/// All texts by which a program could print an error.
fn all_texts(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        writeln!(text, "{error} {error:?} {error:#?}").unwrap();
        cause = error.source();
    }
    text
}

/// All texts of a URL, and of the error when it is opened. Nothing listens at its address.
fn all_output(url: &str) -> String {
    match url.parse::<DatabaseUrl>() {
        Err(error) => all_texts(&error),
        Ok(DatabaseUrl::SqliteFile(path)) => panic!("{url} became the file {}", path.display()),
        Ok(parsed) => {
            let error = open(&parsed, &OPTIONS).err();
            let error = error.map_or_else(String::new, |error| all_texts(&error));
            format!("{parsed} {parsed:?} {parsed:#?} {error}")
        }
    }
}

#[test]
fn urls_that_libpq_would_quote_are_rejected_without_the_password() {
    for url in [
        // Hosts in broken brackets.
        "postgres://app:h0rse@[::1/db",
        "postgres://app:h0rse@[]/db",
        "postgres://app:h0rse@[::1]x/db",
        "postgres://app:h0rse@[::1]]/db",
        "postgres://app:h0rse@h]/db",
        "postgres://app:h0rse@127.0.0.1,[::1/db",
        // The host is missing.
        "postgres://app:h0rse:1/db",
        "postgres://app:h0rse:1",
        // Escapes that are not valid text.
        "postgres://app:h0rse%00@127.0.0.1:1/db",
        "postgres://app:%00h0rse@127.0.0.1:1/db",
        "postgres://app:h0rse%ff@127.0.0.1:1/db",
        "postgres://127.0.0.1:1/db?password=h0rse%00",
        "postgres://127.0.0.1:1/db?password=%00h0rse",
        "postgres://127.0.0.1:1/db?password=h0rse%zz",
        "postgres://127.0.0.1:1/db?sslpassword=h0rse%00",
        // Invalid parameters, and values that include the next parameter.
        "postgres://127.0.0.1:1/db?password=a&h0rse",
        "postgres://127.0.0.1:1/db?password=a&h0rse=b",
        "postgres://127.0.0.1:1/db?password=a=h0rse",
        "postgres://127.0.0.1:1/db?passwort=h0rse",
        "postgres://127.0.0.1:1/db?password:h0rse",
        "postgres://127.0.0.1:1/db?h0rse",
        "postgres://127.0.0.1:1/db?sslmode=require;password=h0rse",
        "postgres://127.0.0.1:1/db?connect_timeout=5;password=h0rse",
        "postgres://127.0.0.1:1/db?port=1;password=h0rse",
        "postgres://127.0.0.1:1/db?host=app:h0rse",
        "postgres://127.0.0.1:1/db?host=127.0.0.1,app:h0rse",
        "postgres://127.0.0.1:1/db?user=app:h0rse",
        // A user name and password with an escaped colon.
        "postgres://app%3Ah0rse@127.0.0.1:1/db",
        "postgres://app%3ah0rse@127.0.0.1:1/db",
        // Text that looks like a scheme.
        "app%3Ah0rse@127.0.0.1:1/db",
        "h0rse@127.0.0.1:1/db",
        "password=h0rse,port:1",
        "postgresql+app=h0rse:1",
        // Keywords instead of a URL.
        "host=127.0.0.1 port=1 password=h0rse",
        "host=127.0.0.1;password=h0rse",
        // A password that looks like the rest of a URL.
        "postgres://app:h0rse/x@127.0.0.1:1/db",
        "postgres://app:1/h0rse?x@127.0.0.1:1/db",
        "postgres://app:h0rse#x@127.0.0.1:1/db",
        "postgres://app:h0rse'x=y@127.0.0.1:1/db",
        "postgres://app:h0rse\\@127.0.0.1:1/db",
    ] {
        let output = all_output(url);
        assert!(!output.contains(PASSWORD), "{url}: {output}");
    }
}

/// The pieces of URLs, also of invalid ones.
fn piece() -> impl Strategy<Value = &'static str> {
    select(
        &[
            ":", "@", "/", "?", "#", "[", "]", "&", "=", "%", "%00", "%3A", "%40", "%ff", ",", ";",
            "'", "\\", "\"", "$", "a", "1", "::1", "é",
        ][..],
    )
}

fn pieces(count: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), count).prop_map(|pieces| pieces.concat())
}

fn password() -> impl Strategy<Value = String> {
    (pieces(0..3), pieces(0..3)).prop_map(|(before, after)| format!("{before}{PASSWORD}{after}"))
}

/// Addresses at which nothing listens, or invalid ones; none that needs a name lookup.
fn host() -> impl Strategy<Value = &'static str> {
    select(
        &["127.0.0.1:1", "[::1]:1", "[::1", "[]", "[::1]x", "::1]", "", "127.0.0.1:1,[::1]:1"][..],
    )
}

fn url() -> impl Strategy<Value = String> {
    let scheme = select(&["postgres", "postgresql", "POSTGRES", "postgresql+asyncpg", "mysql"][..]);
    let parameter = select(
        &["password", "sslpassword", "passwort", "sslmode=x;password", "user=a:b&password"][..],
    );
    let parameters = prop_oneof![
        Just(String::new()),
        pieces(0..4).prop_map(|text| format!("?{text}")),
        (parameter, password()).prop_map(|(name, password)| format!("?{name}={password}")),
    ];
    (scheme, password(), host(), pieces(0..2), parameters).prop_map(
        |(scheme, password, host, database, parameters)| {
            format!("{scheme}://app:{password}@{host}/{database}{parameters}")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_url_shows_its_password(url in url()) {
        let output = all_output(&url);
        prop_assert!(!output.contains(PASSWORD), "{url}: {output}");
    }
}

#[test]
fn a_parsed_url_connects_to_its_host() {
    let url: DatabaseUrl = "postgres://me:p%27w@127.0.0.1:1/todos".parse().unwrap();
    let error = all_texts(&open(&url, &OPTIONS).err().unwrap());
    assert!(error.contains("127.0.0.1") && error.contains("refused"), "{error}");
}
