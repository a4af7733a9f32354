//! Parses `DATABASE_URL`.

mod postgres;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use thiserror::Error;

pub use postgres::PostgresUrl;

/// The URL of a database. `Display` and `Debug` omit the password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A Postgres server.
    Postgres(PostgresUrl),
    /// An SQLite file, which is created if it does not exist.
    SqliteFile(PathBuf),
    /// An in-memory SQLite database, which ends with the process.
    SqliteMemory,
}

/// Why a database URL is invalid, and how to fix it. Never contains the password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidDatabaseUrl {
    /// The scheme is missing, or is none of a supported database.
    #[error(
        "{found} names no database: use postgres://user:password@host/database or sqlite://path/to/file.db"
    )]
    Scheme {
        /// The scheme, or a description if it is missing.
        found: String,
    },
    /// The scheme names a driver, as URLs of `SQLAlchemy` do.
    #[error("the scheme must be plain postgresql://, without the driver {driver:?}")]
    Driver {
        /// The part after the `+`.
        driver: String,
    },
    /// There is nothing after the scheme.
    #[error("the URL has no {missing}: use {example}")]
    Incomplete {
        /// What is missing.
        missing: &'static str,
        /// A URL with it.
        example: &'static str,
    },
    /// SQLite URLs have no parameters.
    #[error(
        "sqlite:// takes no parameters after '?' (write %3F for a question mark in a file name)"
    )]
    SqliteParameters,
    /// A character that is not allowed in URLs.
    #[error(
        "the URL contains white space or a control character: percent-encode it (a space is %20)"
    )]
    BadCharacter,
    /// A `%` that does not start an escape. libpq's error would show the password.
    #[error(
        "the URL contains a '%' that is not followed by two hexadecimal digits: write %25 for a percent sign"
    )]
    BadEscape,
    /// More than one `@`, or one after the host: the password contains a character that must be escaped.
    #[error(
        "the URL contains an '@', '/', '?' or '#' that belongs to a user name or password: write %40, %2F, %3F or %23 for it"
    )]
    UnescapedPassword,
    /// The host is neither a name nor an address. libpq's error would show the whole URL.
    #[error(
        "the host in the URL is neither a name nor an address: write an IPv6 address in brackets, as in [::1]:5432"
    )]
    Host,
    /// Escapes that are not valid text. libpq's error would show the value.
    #[error("the URL contains escapes that are not valid text: %00, or bytes that are not UTF-8")]
    NotText,
    /// A parameter that libpq does not know, or without a value. It is not shown, as it may be part of a password.
    #[error(
        "parameter {number} after the '?' is not name=value with a name that libpq knows (in a value, '&' and '=' are %26 and %3D)"
    )]
    Parameter {
        /// Its position, from 1 on.
        number: usize,
    },
    /// The port is not a number from 1 to 65535.
    #[error("the port must be a number from 1 to 65535")]
    Port,
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let text = text.trim();
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(InvalidDatabaseUrl::BadCharacter);
        }
        let Some((scheme, rest)) = text.split_once(':') else {
            let found = if text.is_empty() { "an empty URL" } else { "a URL without a scheme" };
            return Err(InvalidDatabaseUrl::Scheme { found: found.to_owned() });
        };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "postgres" | "postgresql" => PostgresUrl::parse(rest).map(Self::Postgres),
            "sqlite" => sqlite(rest),
            // The part before the colon may not be a scheme, but a user name or a password: it is not shown.
            _ if !rest.starts_with("//") || !is_scheme(&scheme) => {
                Err(InvalidDatabaseUrl::Scheme { found: "a URL without a scheme".to_owned() })
            }
            _ => match scheme.split_once('+') {
                Some(("postgres" | "postgresql", driver)) => {
                    Err(InvalidDatabaseUrl::Driver { driver: driver.to_owned() })
                }
                _ => Err(InvalidDatabaseUrl::Scheme { found: format!("{scheme:?}") }),
            },
        }
    }
}

/// Whether the text is a valid scheme (RFC 3986).
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn check_escapes(text: &str) -> Result<(), InvalidDatabaseUrl> {
    for (index, _) in text.match_indices('%') {
        let escape = text.as_bytes().get(index + 1..index + 3);
        if !escape.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err(InvalidDatabaseUrl::BadEscape);
        }
    }
    Ok(())
}

/// `//path`, where `sqlite:///path` is absolute and `sqlite://path` relative to the working directory;
/// `:memory:` is an in-memory database.
fn sqlite(rest: &str) -> Result<DatabaseUrl, InvalidDatabaseUrl> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.contains('?') {
        return Err(InvalidDatabaseUrl::SqliteParameters);
    }
    check_escapes(path)?;
    let path = percent_decode_str(path).decode_utf8_lossy();
    match &*path {
        "" => Err(InvalidDatabaseUrl::Incomplete {
            missing: "file",
            example: "sqlite://path/to/file.db or sqlite::memory:",
        }),
        ":memory:" => Ok(DatabaseUrl::SqliteMemory),
        path => Ok(DatabaseUrl::SqliteFile(PathBuf::from(path))),
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(url) => url.fmt(f),
            Self::SqliteFile(path) => write!(f, "sqlite://{}", path.display()),
            Self::SqliteMemory => f.write_str("sqlite::memory:"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests;
