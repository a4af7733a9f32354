//! The settings of authentication.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use ureq::http::Uri;

use super::{delay, duration};
use crate::identity::AuthMode;
use crate::identity::claims::{Accepted, Policy};
use crate::identity::keys::Secret;
use crate::identity::verifier::{KeySource, VerifierOptions};

/// The minimum length of a secret, in bytes (RFC 7518, section 3.2, for HS256).
const MIN_SECRET: usize = 32;

/// The maximum length of a secret in a file, in bytes.
const MAX_SECRET: u64 = 64 * 1024;

/// The word for a claim that is not checked.
const ANY: &str = "any";

/// How callers are identified.
#[derive(Debug, Clone, Args)]
pub struct IdentitySettings {
    /// How callers are identified: `header` believes the header X-User-ID, for development and behind a gateway; `jwt`
    /// verifies a bearer token.
    #[arg(long, env = "AUTH", global = true, value_enum, default_value_t = AuthMode::Header, hide_env_values = true)]
    pub auth: AuthMode,

    /// The URL of the issuer's key set (JWKS): https, or http on loopback.
    #[arg(long, env = "JWT_JWKS_URL", global = true, hide_env_values = true)]
    pub jwt_jwks_url: Option<String>,

    /// Whether `JWT_JWKS_URL` may be http on any host. Whoever controls the network can then act as any user.
    #[arg(long, env = "JWT_ALLOW_HTTP", global = true, default_value = "false", value_parser = BoolishValueParser::new(), action = ArgAction::Set, hide_env_values = true)]
    pub jwt_allow_http: bool,

    /// A file with the key set, instead of `JWT_JWKS_URL`. It is read again every 10 minutes, and for unknown keys.
    #[arg(long, env = "JWT_JWKS_FILE", global = true, hide_env_values = true)]
    pub jwt_jwks_file: Option<PathBuf>,

    /// A secret shared with the issuer, for HS256, HS384 and HS512, instead of a key set; at least 32 bytes. A flag is
    /// visible in the process list: use the environment or a file instead.
    #[arg(long, env = "JWT_SECRET", global = true, value_parser = secret, allow_hyphen_values = true, hide_env_values = true)]
    pub jwt_secret: Option<Secret>,

    /// A file that contains the secret. Trailing line breaks are ignored.
    #[arg(long, env = "JWT_SECRET_FILE", global = true, hide_env_values = true)]
    pub jwt_secret_file: Option<PathBuf>,

    /// The accepted issuers (claim iss), separated by commas; `any` does not check them.
    #[arg(long, env = "JWT_ISSUER", global = true, value_delimiter = ',', hide_env_values = true)]
    pub jwt_issuer: Vec<String>,

    /// The accepted audiences (claim aud), separated by commas; `any` does not check them.
    #[arg(
        long,
        env = "JWT_AUDIENCE",
        global = true,
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub jwt_audience: Vec<String>,

    /// The accepted parties that a token was issued to (claim azp), separated by commas; not checked by default.
    #[arg(
        long,
        env = "JWT_AUTHORIZED_PARTIES",
        global = true,
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub jwt_authorized_parties: Vec<String>,

    /// How far the clocks of the issuer and this server may differ.
    #[arg(long, env = "JWT_LEEWAY", global = true, default_value = "60s", value_parser = delay, hide_env_values = true)]
    pub jwt_leeway: Duration,

    /// How long the known keys are used while the issuer cannot be reached.
    #[arg(long, env = "JWT_JWKS_MAX_STALE", global = true, default_value = "24h", value_parser = max_stale, hide_env_values = true)]
    pub jwt_jwks_max_stale: Duration,
}

impl IdentitySettings {
    /// What verifies tokens; `None` with `AUTH=header`.
    ///
    /// # Errors
    /// A one-line message about the settings, without any secret.
    pub fn verifier(&self) -> Result<Option<VerifierOptions>, String> {
        if self.auth == AuthMode::Header {
            return match self.given().first() {
                // Somebody who sets these believes that tokens are verified.
                Some(name) => {
                    Err(format!("{name} is set, but AUTH is header: set AUTH=jwt, or unset {name}"))
                }
                None => Ok(None),
            };
        }
        let policy = Policy {
            issuers: accepted("JWT_ISSUER", &self.jwt_issuer)?
                .ok_or("AUTH=jwt needs JWT_ISSUER: the claim iss of the tokens, or any")?,
            audiences: accepted("JWT_AUDIENCE", &self.jwt_audience)?
                .ok_or("AUTH=jwt needs JWT_AUDIENCE: the claim aud of the tokens, or any")?,
            authorized_parties: accepted("JWT_AUTHORIZED_PARTIES", &self.jwt_authorized_parties)?
                .unwrap_or(Accepted::Any),
            leeway: self.jwt_leeway,
        };
        Ok(Some(VerifierOptions {
            source: self.source()?,
            max_stale: self.jwt_jwks_max_stale,
            policy,
        }))
    }

    /// The issuer, if exactly one is configured.
    #[must_use]
    pub fn only_issuer(&self) -> Option<&str> {
        match self.jwt_issuer.as_slice() {
            [issuer] if issuer != ANY => Some(issuer),
            _ => None,
        }
    }

    /// The names of the settings that only `AUTH=jwt` uses, as far as they are given.
    fn given(&self) -> Vec<&'static str> {
        let given = [
            ("JWT_JWKS_URL", self.jwt_jwks_url.is_some()),
            ("JWT_JWKS_FILE", self.jwt_jwks_file.is_some()),
            ("JWT_SECRET", self.jwt_secret.is_some()),
            ("JWT_SECRET_FILE", self.jwt_secret_file.is_some()),
            ("JWT_ISSUER", !self.jwt_issuer.is_empty()),
            ("JWT_AUDIENCE", !self.jwt_audience.is_empty()),
            ("JWT_AUTHORIZED_PARTIES", !self.jwt_authorized_parties.is_empty()),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
    }

    fn source(&self) -> Result<KeySource, String> {
        let given = self.given();
        let sources: Vec<_> = given.into_iter().take_while(|name| *name != "JWT_ISSUER").collect();
        if sources.len() > 1 {
            return Err(format!("{} are both set: unset one of them", sources[..2].join(" and ")));
        }
        if let Some(url) = &self.jwt_jwks_url {
            return Ok(KeySource::Url(key_set_url(url, self.jwt_allow_http)?));
        }
        if let Some(path) = &self.jwt_jwks_file {
            return Ok(KeySource::File(path.clone()));
        }
        if let Some(path) = &self.jwt_secret_file {
            return read_secret(path).map(KeySource::Secret);
        }
        if let Some(secret) = &self.jwt_secret {
            let secret = checked_secret(secret.bytes().to_vec());
            return secret
                .map(KeySource::Secret)
                .map_err(|problem| format!("JWT_SECRET: {problem}"));
        }
        Err("AUTH=jwt needs one of JWT_JWKS_URL, JWT_JWKS_FILE, JWT_SECRET and JWT_SECRET_FILE"
            .to_owned())
    }
}

/// The values of a list; `None` if it is not set.
fn accepted(name: &str, values: &[String]) -> Result<Option<Accepted>, String> {
    let values: Vec<_> = values.iter().map(|it| it.trim().to_owned()).collect();
    if values.iter().any(String::is_empty) {
        return Err(format!("{name}: a value is empty"));
    }
    match values.as_slice() {
        [] => Ok(None),
        [any] if any == ANY => Ok(Some(Accepted::Any)),
        several if several.iter().any(|it| it == ANY) => {
            Err(format!("{name}: any must be the only value"))
        }
        _ => Ok(Some(Accepted::Only(values))),
    }
}

fn key_set_url(text: &str, allow_http: bool) -> Result<String, String> {
    let problem = |problem: &str| Err(format!("JWT_JWKS_URL: {problem}"));
    let uri: Option<Uri> = text.parse().ok();
    let Some((uri, host)) = uri.as_ref().and_then(|uri| Some((uri, uri.host()?))) else {
        return problem("must be a URL such as https://issuer.example.com/.well-known/jwks.json");
    };
    if uri.authority().is_some_and(|it| it.as_str().contains('@')) {
        return problem("must not contain a user name or password");
    }
    let is_loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|it| it.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(text.to_owned()),
        Some("http") if allow_http || is_loopback => Ok(text.to_owned()),
        Some("http") => {
            problem("must be https, unless the host is loopback or JWT_ALLOW_HTTP is true")
        }
        _ => problem("must begin with https://"),
    }
}

/// Accepts any text, because an error would repeat it.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a parser")]
fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text.as_bytes().to_vec()))
}

fn checked_secret(bytes: Vec<u8>) -> Result<Secret, String> {
    if bytes.len() < MIN_SECRET {
        return Err(format!("must have at least {MIN_SECRET} bytes, but has {}", bytes.len()));
    }
    Ok(Secret::new(bytes))
}

fn read_secret(path: &PathBuf) -> Result<Secret, String> {
    let problem = |error: String| format!("JWT_SECRET_FILE: {}: {error}", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| problem(error.to_string()))?;
    let read = file.take(MAX_SECRET + 1).read_to_end(&mut bytes);
    if read.map_err(|error| problem(error.to_string()))? as u64 > MAX_SECRET {
        return Err(problem("it is longer than 64 KiB".to_owned()));
    }
    while bytes.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
        bytes.pop();
    }
    checked_secret(bytes).map_err(problem)
}

fn max_stale(text: &str) -> Result<Duration, &'static str> {
    duration(text)
        .filter(|it| (Duration::from_secs(1)..=Duration::from_secs(30 * 24 * 3_600)).contains(it))
        .ok_or("must be a duration such as 30m or 24h, from one second to 30 days")
}
