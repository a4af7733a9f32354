//! Any text as `DATABASE_URL`: accepted or rejected, but the password is never shown.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use todo_infrastructure::DatabaseUrl;

/// Occurs only in passwords.
const PASSWORD: &str = "h0rse";

#[derive(Debug, Arbitrary)]
struct Given<'a> {
    scheme: u8,
    user: &'a str,
    password: (&'a str, &'a str),
    rest: &'a str,
}

fuzz_target!(|given: Given| {
    let scheme = ["postgres", "postgresql", "POSTGRES", "postgresql+asyncpg", "mysql"];
    let scheme = scheme[usize::from(given.scheme) % scheme.len()];
    let (before, after) = given.password;
    let Given { user, rest, .. } = given;
    if user.contains(PASSWORD) || rest.contains(PASSWORD) || user.contains(':') {
        return;
    }
    shows_no_password(&format!("{scheme}://{user}:{before}{PASSWORD}{after}@{rest}"));
    // Also any text without a scheme, which must not become a file name.
    if let Ok(DatabaseUrl::SqliteFile(_)) = rest.parse() {
        assert!(rest.trim().get(..7).is_some_and(|it| it.eq_ignore_ascii_case("sqlite:")));
    }
});

fn shows_no_password(url: &str) {
    let shown = match url.parse::<DatabaseUrl>() {
        Ok(url) => format!("{url} {url:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!shown.contains(PASSWORD), "{url}: {shown}");
}
