//! `DATABASE_URL`: which database, and where.

mod postgres;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use thiserror::Error;

pub use postgres::PostgresUrl;

/// A database to connect to. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A Postgres server, by the URL that libpq will be given.
    Postgres(PostgresUrl),
    /// An SQLite file, made when it is not there.
    SqliteFile(PathBuf),
    /// An SQLite database in memory, which ends with the process.
    SqliteMemory,
}

/// What is wrong with a database URL, and what would be right. Never holds the password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidDatabaseUrl {
    /// There is no `scheme:` in front, or one that names no database we know.
    #[error(
        "{found} names no database: use postgres://user:password@host/database or sqlite://path/to/file.db"
    )]
    Scheme {
        /// The scheme, or a word for its absence.
        found: String,
    },
    /// The scheme names a driver of another language.
    #[error("the scheme must be plain postgresql://, without the driver {driver:?}")]
    Driver {
        /// What stands behind the `+`.
        driver: String,
    },
    /// There is nothing behind the scheme.
    #[error("the URL names no {missing}: use {example}")]
    Incomplete {
        /// What is missing.
        missing: &'static str,
        /// A URL that has it.
        example: &'static str,
    },
    /// SQLite takes no parameters.
    #[error(
        "sqlite:// takes no parameters after '?' (write %3F for a question mark in a file name)"
    )]
    SqliteParameters,
    /// There are characters that no URL has.
    #[error("the URL holds white space or a control character: percent-encode it (a space is %20)")]
    BadCharacter,
    /// A `%` that does not begin an escape: libpq would refuse it in words that show the password.
    #[error(
        "the URL holds a '%' that is not followed by two hexadecimal digits: write %25 for a percent sign"
    )]
    BadEscape,
    /// More than one `@`, or one behind the host: the password holds a character that ends it.
    #[error(
        "the URL holds an '@', '/', '?' or '#' that belongs to a user name or password: write %40, %2F, %3F or %23 for it"
    )]
    UnescapedPassword,
    /// The host is no name and no address, so that libpq would show the whole URL.
    #[error(
        "the host in the URL is no name and no address: an IPv6 address stands in brackets, as in [::1]:5432"
    )]
    Host,
    /// Escapes that are no text: libpq would show what they stand in.
    #[error("the URL holds an escape that stands for no text: %00, or bytes that are not UTF-8")]
    NoText,
    /// A parameter that libpq does not know, or that has no value. Not shown: it may be a part of a password.
    #[error(
        "parameter {number} behind the '?' is not name=value with a name that libpq knows (in a value, '&' and '=' are %26 and %3D)"
    )]
    Parameter {
        /// Which, from 1 on.
        number: usize,
    },
    /// The port is no number.
    #[error("the port after the host's name must be a number from 1 to 65535")]
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
            // Otherwise what stands before the colon may be a name, or a password.
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

/// As RFC 3986 has it.
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
/// `:memory:` keeps it in memory.
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
