//! Where the key set comes from: an issuer's URL, or a file.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use ureq::Agent;
use ureq::http::header::{ACCEPT, CACHE_CONTROL};
use ureq::http::{HeaderMap, StatusCode};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use super::keys::KeySet;

/// How long a fetch may take in total.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum length of a key set, in bytes.
pub const MAX_BYTES: u64 = 256 * 1024;

/// How long a key set is used before it is fetched again, unless the issuer says otherwise.
const DEFAULT_AGE: Duration = Duration::from_secs(10 * 60);
const MIN_AGE: Duration = Duration::from_secs(60);
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// A place that a key set is read from.
#[derive(Debug)]
pub enum Source {
    /// An issuer.
    Url {
        /// The URL of its key set.
        url: String,
        /// The HTTP client, with its own limits.
        agent: Agent,
    },
    /// A file.
    File(PathBuf),
}

/// A key set, and how long it may be used before it is fetched again.
#[derive(Debug)]
pub struct Fetched {
    /// The keys.
    pub keys: KeySet,
    /// The time.
    pub max_age: Duration,
}

impl Source {
    /// The key set at this URL. `roots` are the certificates that an `https` URL is verified against.
    #[must_use]
    pub fn url(url: String, roots: RootCerts) -> Self {
        // Not the default, which is compiled out: this OpenSSL is in the program anyway, for Postgres.
        let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(roots);
        let agent = Agent::config_builder()
            .tls_config(tls.build())
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            // A redirect could lead to http, or to another host than the configured one.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .user_agent(concat!("todo-api/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self::Url { url, agent }
    }

    /// Reads the key set. Blocks for up to 5 seconds.
    ///
    /// # Errors
    /// What went wrong, without anything that the source sent.
    pub fn fetch(&self) -> Result<Fetched, String> {
        match self {
            Self::File(path) => {
                let mut json = Vec::new();
                File::open(path)
                    .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut json))
                    .map_err(|error| error.to_string())?;
                if json.len() as u64 > MAX_BYTES {
                    return Err("it is longer than 256 KiB".to_owned());
                }
                Ok(Fetched { keys: KeySet::parse(&json)?, max_age: DEFAULT_AGE })
            }
            Self::Url { url, agent } => {
                let request = agent.get(url).header(ACCEPT, "application/json");
                let response = request.call().map_err(|error| error.to_string())?;
                let (head, body) = response.into_parts();
                if head.status != StatusCode::OK {
                    return Err(format!("the response has the status {}", head.status.as_u16()));
                }
                let json = body.into_with_config().limit(MAX_BYTES).read_to_vec();
                let keys = KeySet::parse(&json.map_err(|error| error.to_string())?)?;
                Ok(Fetched { keys, max_age: max_age(&head.headers) })
            }
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url { url, .. } => f.write_str(url),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// How long a response may be used, within reasonable bounds.
fn max_age(headers: &HeaderMap) -> Duration {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives: Vec<_> = values
        .flat_map(|value| value.split(','))
        .map(|it| it.trim().to_ascii_lowercase())
        .collect();
    if directives.iter().any(|it| it == "no-cache" || it == "no-store") {
        return MIN_AGE;
    }
    let seconds = directives.iter().find_map(|it| it.strip_prefix("max-age=")?.parse().ok());
    seconds.map_or(DEFAULT_AGE, Duration::from_secs).clamp(MIN_AGE, MAX_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_says_how_long_a_key_set_is_used_within_bounds() {
        for (value, seconds) in [
            ("max-age=3600", 3_600),
            ("public, Max-Age=900, must-revalidate", 900),
            ("max-age=0", 60),
            ("max-age=999999999", 86_400),
            ("no-cache, max-age=3600", 60),
            ("max-age=soon", 600),
            ("private", 600),
        ] {
            let headers = HeaderMap::from_iter([(CACHE_CONTROL, value.parse().unwrap())]);
            assert_eq!(max_age(&headers), Duration::from_secs(seconds), "{value}");
        }
        assert_eq!(max_age(&HeaderMap::new()), DEFAULT_AGE);
    }
}
