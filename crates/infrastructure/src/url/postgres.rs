//! The URL of a Postgres server, and the connection string for libpq.
//!
//! libpq parses such URLs itself, but its errors quote invalid URLs in full, with the password. So they are parsed here,
//! and libpq gets keywords and values.

use std::fmt;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;

use super::{InvalidDatabaseUrl, check_escapes};

/// The parameters that libpq 18 knows, and `ssl`.
const PARAMETERS: &str = " application_name channel_binding client_encoding connect_timeout dbname \
    fallback_application_name gssdelegation gssencmode gsslib host hostaddr keepalives keepalives_count \
    keepalives_idle keepalives_interval krbsrvname load_balance_hosts max_protocol_version min_protocol_version \
    oauth_client_id oauth_client_secret oauth_issuer oauth_scope options passfile password port replication \
    require_auth requirepeer scram_client_key scram_server_key service ssl ssl_max_protocol_version \
    ssl_min_protocol_version sslcert sslcertmode sslcompression sslcrl sslcrldir sslkey sslkeylogfile sslmode \
    sslnegotiation sslpassword sslrootcert sslsni target_session_attrs tcp_user_timeout user ";

/// A URL with the scheme `postgres` or `postgresql`, as libpq documents it. `Display` and `Debug` omit the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    /// libpq's keywords and values. If a keyword occurs twice, the later value applies.
    settings: Vec<(String, String)>,
    /// The URL without the password, and without parameters, which may contain a password, too.
    redacted: String,
}

impl PostgresUrl {
    /// Reads `//[user[:password]@][host[:port][,…]][/database][?parameters]`, the part after the scheme.
    ///
    /// # Errors
    /// [`InvalidDatabaseUrl`], which contains no part of the URL.
    pub(super) fn parse(rest: &str) -> Result<Self, InvalidDatabaseUrl> {
        let Some(rest) = rest.strip_prefix("//").filter(|rest| !rest.is_empty()) else {
            return Err(InvalidDatabaseUrl::Incomplete {
                missing: "host",
                example: "postgres://user:password@host/database",
            });
        };
        check_escapes(rest)?;
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        if authority.matches('@').count() > 1
            || place.contains('#')
            || rest[authority.len()..].contains('@')
        {
            return Err(InvalidDatabaseUrl::UnescapedPassword);
        }
        let (user_and_password, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = user_and_password.split_once(':').unwrap_or((user_and_password, ""));

        let mut settings = Vec::new();
        let mut add = |keyword: &str, value: String| settings.push((keyword.to_owned(), value));
        let (host, port) = hosts_and_ports(hosts)?;
        let given = [
            ("user", decoded(user)?),
            ("password", decoded(password)?),
            ("host", decoded(&host)?),
            ("port", port),
            ("dbname", decoded(database)?),
        ];
        for (keyword, value) in given.into_iter().filter(|(_, value)| !value.is_empty()) {
            add(keyword, value);
        }
        for (index, parameter) in parameters.split('&').enumerate().filter(|it| !it.1.is_empty()) {
            let unknown = InvalidDatabaseUrl::Parameter { number: index + 1 };
            let Some((keyword, value)) = parameter.split_once('=') else { return Err(unknown) };
            let (keyword, value) = (decoded(keyword)?, decoded(value)?);
            match (keyword.as_str(), value.as_str()) {
                // As in JDBC URLs.
                ("ssl", "true") => add("sslmode", "require".to_owned()),
                ("ssl", _) => return Err(unknown),
                _ if parameter.matches('=').count() == 1 && is_known(&keyword) => {
                    add(&keyword, value);
                }
                _ => return Err(unknown),
            }
        }
        Ok(Self {
            settings,
            redacted: redacted(user, !password.is_empty(), hosts, place, authority),
        })
    }

    /// The connection string for libpq, with the password.
    pub(crate) fn expose(&self) -> String {
        let quoted = self.settings.iter().map(|(keyword, value)| {
            let value = value.replace('\\', r"\\").replace('\'', r"\'");
            format!("{keyword}='{value}'")
        });
        quoted.collect::<Vec<_>>().join(" ")
    }

    /// The value of one of libpq's keywords.
    pub(crate) fn parameter(&self, keyword: &str) -> Option<&str> {
        let mut latest_first = self.settings.iter().rev();
        latest_first.find(|(given, _)| given == keyword).map(|(_, value)| value.as_str())
    }

    /// Adds a parameter if the URL does not have it.
    pub(crate) fn with_default(mut self, keyword: &str, value: &str) -> Self {
        if self.parameter(keyword).is_none() {
            self.settings.push((keyword.to_owned(), value.to_owned()));
        }
        self
    }

    /// A message of libpq on one line, without values that it quotes and that may contain a password: a value that includes
    /// the next parameter by mistake, or a user name with a colon.
    pub(crate) fn redact(&self, message: &str) -> String {
        let mut message = crate::message::one_line(message);
        // libpq quotes each of several hosts separately.
        let values =
            self.settings.iter().flat_map(|(_, value)| value.split(',').chain([value.as_str()]));
        for value in values.filter(|value| value.contains(['@', '=', ';', ':'])) {
            if value.parse::<IpAddr>().is_err() {
                message = message.replace(&format!("\"{value}\""), "\"***\"");
            }
        }
        message
    }
}

/// Splits `host[:port],…` into the two lists that libpq expects.
fn hosts_and_ports(hosts: &str) -> Result<(String, String), InvalidDatabaseUrl> {
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',') {
        // An IPv6 address is in brackets.
        let (name, rest) = match host.strip_prefix('[') {
            Some(address) => {
                let (address, rest) = address.split_once(']').ok_or(InvalidDatabaseUrl::Host)?;
                let is_address = !address.is_empty()
                    && address.chars().all(|c| c.is_ascii_alphanumeric() || ":.%_-".contains(c));
                if !is_address || !(rest.is_empty() || rest.starts_with(':')) {
                    return Err(InvalidDatabaseUrl::Host);
                }
                (address, rest)
            }
            None => host.split_at(host.find(':').unwrap_or(host.len())),
        };
        if name.contains(['[', ']']) {
            return Err(InvalidDatabaseUrl::Host);
        }
        let port = rest.strip_prefix(':');
        if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
            return Err(InvalidDatabaseUrl::Port);
        }
        names.push(name);
        ports.push(port.unwrap_or_default());
    }
    let list = |items: Vec<&str>| {
        if items.iter().all(|item| item.is_empty()) { String::new() } else { items.join(",") }
    };
    Ok((list(names), list(ports)))
}

fn decoded(text: &str) -> Result<String, InvalidDatabaseUrl> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| InvalidDatabaseUrl::NotText)?;
    if text.contains('\0') { Err(InvalidDatabaseUrl::NotText) } else { Ok(text.into_owned()) }
}

fn is_known(keyword: &str) -> bool {
    PARAMETERS.split_whitespace().any(|known| known == keyword)
}

fn redacted(user: &str, has_password: bool, hosts: &str, place: &str, authority: &str) -> String {
    // A colon that was escaped by mistake may precede a password, too.
    let colon = user.to_ascii_lowercase().find("%3a");
    let password = if has_password || colon.is_some() { ":***" } else { "" };
    let user = &user[..colon.unwrap_or(user.len())];
    let at = if authority.contains('@') { "@" } else { "" };
    format!("postgresql://{user}{password}{at}{hosts}{}", &place[authority.len()..])
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}
