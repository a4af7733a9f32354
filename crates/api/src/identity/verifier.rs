//! Verifies tokens with the current keys, and decides what happens when those do not suffice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::timeout;
use ureq::tls::RootCerts;

use super::claims::{Claims, Policy};
use super::keys::{Found, KeySet, Secret};
use super::source::Source;
use super::store::{Current, Freshness, KeyStore};
use super::time::{Now, Time};
use super::token::{Token, TokenError, invalid};
use super::{Identity, refresh};
use crate::error::ApiError;

/// How long a request waits for new keys.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// How many requests wait for new keys at a time. Others fail with 503 immediately.
const MAX_WAITING: usize = 256;

/// How soon a request that could not be judged may be repeated, at the earliest.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Where the keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A key set at a URL.
    Url(String),
    /// A key set in a file.
    File(std::path::PathBuf),
    /// A shared secret.
    Secret(Secret),
}

/// The options of a verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierOptions {
    /// Where the keys come from.
    pub source: KeySource,
    /// For how long keys are used that cannot be refreshed.
    pub max_stale: Duration,
    /// What the claims are checked against.
    pub policy: Policy,
}

/// Verifies tokens. Shared by all threads.
pub struct Verifier {
    pub(super) store: Arc<KeyStore>,
    pub(super) policy: Policy,
    time: Time,
    waiting: AtomicUsize,
}

impl Verifier {
    /// Starts a verifier with a thread that keeps its keys fresh. A file is read before this returns, an issuer is not
    /// waited for.
    ///
    /// # Errors
    /// If the file cannot be read, or the operating system refuses a thread.
    pub fn start(options: VerifierOptions, time: Time) -> Result<Arc<Self>, String> {
        let source = match options.source {
            KeySource::Secret(secret) => {
                let store = Arc::new(KeyStore::fixed(KeySet::secret(secret.bytes())));
                return Ok(Arc::new(Self::new(store, options.policy, time)));
            }
            KeySource::Url(url) => Source::url(url, RootCerts::PlatformVerifier),
            KeySource::File(path) => Source::File(path),
        };
        let store = Arc::new(KeyStore::empty(options.max_stale));
        if let Source::File(path) = &source {
            let fetched = source
                .fetch()
                .map_err(|problem| format!("JWT_JWKS_FILE: {}: {problem}", path.display()))?;
            store.begin(time());
            store.finish(time(), Some(fetched));
        }
        let refresh = refresh::start(Arc::clone(&store), source, Arc::clone(&time));
        refresh.map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(Arc::new(Self::new(store, options.policy, time)))
    }

    pub(super) fn new(store: Arc<KeyStore>, policy: Policy, time: Time) -> Self {
        Self { store, policy, time, waiting: AtomicUsize::new(0) }
    }

    /// Whether there are keys that are not too old.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.store.current(self.now()).is_some()
    }

    /// How fresh the keys are; `None` if they never change.
    #[must_use]
    pub fn freshness(&self) -> Option<Freshness> {
        self.store.freshness(self.now())
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> Now {
        (self.time)()
    }

    /// The generation of the current keys.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.store.generation()
    }

    /// Verifies a token. If its key is not known, asks for a fetch of the keys and waits for it, for a second at most.
    ///
    /// # Errors
    /// [`ApiError::TokenExpired`] and [`ApiError::InvalidToken`] if the token is refused; [`ApiError::KeysUnavailable`]
    /// if the keys do not suffice to judge it.
    pub async fn verify(&self, text: &str) -> Result<Identity, ApiError> {
        let token = Token::parse(text)?;
        let Some(claims) = token.payload::<Claims>() else {
            return Ok(invalid("the payload of the token is not base64url of a JSON object")?);
        };
        let arrived = self.now();
        // Registered before the keys are looked up, so that no fetch in between is missed.
        let mut fetched = std::pin::pin!(self.store.fetched.notified());
        fetched.as_mut().enable();
        if let Some(result) = self.judge(&token, &claims, arrived, true) {
            return Ok(result?);
        }
        if self.store.want(arrived).is_zero()
            && let Some(_place) = Place::take(&self.waiting)
        {
            // Whether the keys were fetched shows next.
            let _ = timeout(MAX_WAIT, fetched).await;
        }
        let Some(result) = self.judge(&token, &claims, arrived, false) else {
            let retry_after = self.store.want(self.now()).max(MIN_RETRY_AFTER);
            return Err(ApiError::KeysUnavailable { retry_after });
        };
        Ok(result?)
    }

    /// Judges a token; `None` if new keys may change the result, and either can be fetched or are missing.
    fn judge(
        &self,
        token: &Token<'_>,
        claims: &Claims,
        arrived: Now,
        can_fetch: bool,
    ) -> Option<Result<Identity, TokenError>> {
        let now = self.now();
        let Current { keys, refreshed, is_reachable, .. } = self.store.current(now)?;
        match keys.find(token.key_id.as_deref(), token.algorithm) {
            Found::AnotherAlgorithm => {
                return Some(invalid("the algorithm of the token (alg) is not the one of its key"));
            }
            Found::Unsupported(name) => {
                return Some(invalid(format!(
                    "the key of the token is for {name}, which is not supported"
                )));
            }
            Found::Keys(found) => {
                if found.iter().any(|key| token.is_signed_by(key)) {
                    return Some(self.policy.check(claims, now.unix));
                }
                if token.key_id.is_some() && found.iter().any(|key| key.id == token.key_id) {
                    return Some(invalid("the signature of the token is wrong"));
                }
            }
            Found::Unknown => {}
        }
        let is_final = match refreshed {
            // These keys never change.
            None => true,
            Some(_) if can_fetch => false,
            // The issuer did not have the key after the token was issued.
            Some(refreshed) => {
                refreshed.monotonic >= arrived.monotonic
                    || (is_reachable && self.policy.was_issued_before(claims, refreshed.unix))
            }
        };
        is_final.then(|| invalid("the token is not signed with a key of the issuer (kid, alg)"))
    }
}

impl Drop for Verifier {
    fn drop(&mut self) {
        self.store.stop();
    }
}

/// A place among the requests that wait.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let is_free = waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING;
        // Dropped, and so returned, if there was none.
        let place = Self(waiting);
        is_free.then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
