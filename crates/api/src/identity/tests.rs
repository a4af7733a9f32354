//! Tokens of an issuer that fails in every way. The time is set by the tests, the TLS is real.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use serde_json::Value;
use todo_test_support::issuer::{AUDIENCE, Issuer, unix_time};
use tokio::runtime::{Builder, Runtime};
use ureq::tls::{Certificate, RootCerts};

use super::claims::{Accepted, Policy};
use super::keys::KeySet;
use super::refresh;
use super::source::{Fetched, Source};
use super::store::KeyStore;
use super::time::{Now, Time};
use super::verifier::Verifier;
use crate::error::{ApiError, ErrorCode};

mod bad_tokens;
mod claims;
mod freshness;
mod issuer;
mod key_sets;

/// The time that all tests begin at.
static START: LazyLock<Now> =
    LazyLock::new(|| Now { monotonic: Instant::now(), unix: i64::try_from(unix_time()).unwrap() });

/// A server's view of an issuer, without the thread: a test refreshes the keys itself.
struct Bench {
    issuer: Issuer,
    source: Source,
    verifier: Verifier,
    /// Seconds since [`START`].
    passed: Arc<AtomicU64>,
    time: Time,
    /// Has the timers of requests that wait.
    runtime: Runtime,
}

impl Bench {
    fn new(issuer: Issuer) -> Self {
        let pem = std::fs::read(issuer.certificate()).unwrap();
        let roots = RootCerts::from(vec![Certificate::from_pem(&pem).unwrap().to_owned()]);
        let source = Source::url(issuer.url(), roots);
        let passed = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&passed);
        let time: Time = Arc::new(move || {
            let seconds = clock.load(Ordering::Relaxed);
            Now {
                monotonic: START.monotonic + Duration::from_secs(seconds),
                unix: START.unix + i64::try_from(seconds).unwrap(),
            }
        });
        let store = Arc::new(KeyStore::empty(Duration::from_secs(24 * 3_600)));
        let verifier = Verifier::new(store, policy(&issuer.name()), Arc::clone(&time));
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        Self { issuer, source, verifier, passed, time, runtime }
    }

    /// Lets time pass.
    fn pass(&self, seconds: u64) {
        self.passed.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Does what the thread would do now.
    fn refresh(&self) {
        refresh::step(&self.verifier.store, &self.source, &self.time).unwrap();
    }

    /// Verifies a token, without waiting for a fetch.
    fn verify(&self, token: &str) -> Result<super::Identity, ApiError> {
        let _runtime = self.runtime.enter();
        let verify = self.verifier.verify(token);
        // Only a request that waits for keys is pending, and the thread that would fetch them is not running.
        verify.now_or_never().unwrap_or(Err(ApiError::KeysUnavailable { retry_after: WAITS }))
    }

    fn error(&self, token: &str) -> (u16, ErrorCode) {
        let (status, code) = self.verify(token).unwrap_err().status_and_code();
        (status.as_u16(), code)
    }
}

/// Stands for a request that waits for a fetch.
const WAITS: Duration = Duration::MAX;

fn policy(issuer: &str) -> Policy {
    Policy {
        issuers: Accepted::Only(vec![issuer.to_owned()]),
        audiences: Accepted::Only(vec![AUDIENCE.to_owned()]),
        authorized_parties: Accepted::Any,
        leeway: Duration::from_secs(60),
    }
}

/// A verifier with this key set, which does not change.
fn with_keys(json: &Value, issuer: &str) -> Verifier {
    let store = KeyStore::empty(Duration::from_secs(1));
    let now = *START;
    store.begin(now);
    let keys = KeySet::parse(json.to_string().as_bytes()).unwrap();
    store.finish(now, Some(Fetched { keys, max_age: Duration::from_secs(60) }));
    Verifier::new(Arc::new(store), policy(issuer), Arc::new(move || now))
}

/// Verifies a token that has to be judged immediately; the detail of the error if it is refused.
fn detail(verifier: &Verifier, token: &str) -> Result<super::Identity, String> {
    let result = verifier.verify(token).now_or_never().expect("no keys are waited for");
    result.map_err(|error| error.to_string())
}
