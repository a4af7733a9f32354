//! `DATABASE_URL`: which database, and where.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use thiserror::Error;

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

/// A URL with the scheme `postgres` or `postgresql`, as libpq documents it. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

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
            "postgres" | "postgresql" => postgres(rest),
            "sqlite" => sqlite(rest),
            _ => match scheme.split_once('+') {
                Some(("postgres" | "postgresql", driver)) => {
                    Err(InvalidDatabaseUrl::Driver { driver: driver.to_owned() })
                }
                _ => Err(InvalidDatabaseUrl::Scheme { found: format!("{scheme:?}") }),
            },
        }
    }
}

/// `//[user[:password]@][host[:port][,…]][/database][?parameters]`: libpq reads it; here only mistakes are
/// found that it would answer by showing the password, or by connecting to somewhere else.
fn postgres(rest: &str) -> Result<DatabaseUrl, InvalidDatabaseUrl> {
    let Some(rest) = rest.strip_prefix("//").filter(|rest| !rest.is_empty()) else {
        return Err(InvalidDatabaseUrl::Incomplete {
            missing: "host",
            example: "postgres://user:password@host/database",
        });
    };
    check_escapes(rest)?;
    let before_parameters = rest.split('?').next().unwrap_or_default();
    let authority = before_parameters.split('/').next().unwrap_or_default();
    let user_and_password_end = authority.rfind('@').map_or(0, |at| at + 1);
    if authority.matches('@').count() > 1
        || before_parameters.contains('#')
        || rest[authority.len()..].contains('@')
    {
        return Err(InvalidDatabaseUrl::UnescapedPassword);
    }
    for host in authority[user_and_password_end..].split(',') {
        // An IPv6 address stands in brackets.
        let port = host.rsplit_once(']').map_or(host, |(_, behind)| behind).rsplit_once(':');
        if port.is_some_and(|(_, port)| port.parse::<u16>().map_or(true, |port| port == 0)) {
            return Err(InvalidDatabaseUrl::Port);
        }
    }
    Ok(DatabaseUrl::Postgres(PostgresUrl(format!("postgresql://{rest}"))))
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

impl PostgresUrl {
    /// The URL as given, with the password.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The value of a parameter behind the `?`, not decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let (_, parameters) = self.0.split_once('?')?;
        parameters.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// Adds a parameter, unless the URL has it.
    pub(crate) fn with_default(mut self, name: &str, value: &str) -> Self {
        if self.parameter(name).is_none() {
            let separator = if self.0.contains('?') { '&' } else { '?' };
            let value =
                percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            self.0 = format!("{}{separator}{name}={value}", self.0);
        }
        self
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Parameters can hold a password, too, so none is shown.
        let url = self.0.split('?').next().unwrap_or_default();
        let rest = url.strip_prefix("postgresql://").unwrap_or(url);
        match rest.split_once('@') {
            Some((user_and_password, behind)) => {
                let (user, password) = match user_and_password.split_once(':') {
                    Some((user, _)) => (user, ":***"),
                    None => (user_and_password, ""),
                };
                write!(f, "postgresql://{user}{password}@{behind}")
            }
            None => write!(f, "postgresql://{rest}"),
        }
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

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DatabaseUrl, InvalidDatabaseUrl> {
        text.parse()
    }

    #[test]
    fn postgres_urls_of_every_kind_are_taken() {
        for url in [
            "postgres://localhost/todos",
            "postgresql://user:p%40ss@db.example:5433/todos?sslmode=require&channel_binding=require",
            "postgresql://user@[::1]:5432,second/todos",
            "postgresql:///todos?host=/run/postgresql",
            " POSTGRES://localhost \n",
        ] {
            assert!(matches!(parse(url), Ok(DatabaseUrl::Postgres(_))), "{url}");
        }
    }

    #[test]
    fn sqlite_urls_name_a_file_or_memory() {
        let file = |path: &str| Ok(DatabaseUrl::SqliteFile(PathBuf::from(path)));
        assert_eq!(parse("sqlite://todos.db"), file("todos.db"));
        assert_eq!(parse("sqlite:todos.db"), file("todos.db"));
        assert_eq!(parse("sqlite:///var/lib/my%20todos.db"), file("/var/lib/my todos.db"));
        assert_eq!(parse("sqlite::memory:"), Ok(DatabaseUrl::SqliteMemory));
        assert_eq!(parse("sqlite://:memory:"), Ok(DatabaseUrl::SqliteMemory));
    }

    #[test]
    fn a_bad_url_never_becomes_a_file_and_never_shows_its_password() {
        for url in [
            "",
            "todos.db",
            "mysql://u:secret@h/d",
            "postgres:u:secret@h",
            "postgresql://",
            "postgresql+asyncpg://u:secret@h/d",
            "postgres://u:secret%@h/d",
            "postgres://u:secret@part@h/d",
            "postgres://u:secret/part@h/d",
            "postgres://u:secret#part@h/d",
            "postgres://u:12/secret?part@h/d",
            "postgres://u:12/secret?part=1@h/d",
            "postgres://u:secret@h:port/d",
            "postgres://u:secret@h:0/d",
            "postgres://u:sec ret@h/d",
            "sqlite://",
            "sqlite://todos.db?secret=1",
        ] {
            let error = parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}: {error}");
        }
    }

    #[test]
    fn a_url_is_shown_without_password_and_parameters() {
        let url = parse("postgres://me:secret@host:5433/db?sslpassword=secret").unwrap();
        assert_eq!(url.to_string(), "postgresql://me:***@host:5433/db");
        assert_eq!(format!("{url:?}"), "DatabaseUrl(postgresql://me:***@host:5433/db)");
    }

    #[test]
    fn a_default_gives_way_to_what_the_url_says() {
        let DatabaseUrl::Postgres(url) = parse("postgres://h/d?connect_timeout=3").unwrap() else {
            unreachable!("it is a Postgres URL")
        };
        let url = url.with_default("connect_timeout", "5").with_default("sslrootcert", "/a b");
        assert_eq!(url.expose(), "postgresql://h/d?connect_timeout=3&sslrootcert=%2Fa%20b");
    }
}
