//! Limits how many requests a user may send to this process: `RATE_LIMIT` and `RATE_LIMIT_BURST`.
//!
//! Each user has a token bucket (GCRA, by `governor`). The header fields are those of the IETF draft
//! `draft-ietf-httpapi-ratelimit-headers-10`: a policy `"user"` of `q` requests in `w` seconds, of which `r` are left,
//! and more in `t` seconds.

use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, web};
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::{Quota, RateLimiter};
use todo_domain::UserId;

use crate::error::ApiError;
use users::Users;

mod users;

/// How many requests the user may still send.
pub const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The limit.
pub const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How many users are tracked: about 5 MiB. Users whose bucket is full again need not be.
const MAX_USERS: usize = 100_000;

/// How often users whose bucket is full are forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The limit of each user. All threads share it.
pub struct RateLimit {
    limiter: RateLimiter<UserId, Users, MonotonicClock, StateInformationMiddleware>,
    policy: HeaderValue,
    /// The time after which a user may send another request, in whole seconds.
    replenish_seconds: u64,
    next_sweep: Mutex<Instant>,
}

/// The header fields for a response, stored in the extensions of the request.
#[derive(Debug, Clone)]
pub(super) struct RateLimitFields {
    limit: HeaderValue,
    policy: HeaderValue,
}

impl RateLimitFields {
    pub(super) fn add_to(self, headers: &mut HeaderMap) {
        headers.insert(RATELIMIT, self.limit);
        headers.insert(RATELIMIT_POLICY, self.policy);
    }
}

impl RateLimit {
    /// Each user may send requests at this rate, and this many at once.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        let requests = quota.burst_size();
        let window = whole_seconds(quota.burst_size_replenished_in());
        Self {
            limiter: RateLimiter::new(quota, Users::new(MAX_USERS), MonotonicClock),
            policy: value(&format!("\"user\";q={requests};w={window}")),
            replenish_seconds: whole_seconds(quota.replenish_interval()),
            next_sweep: Mutex::new(Instant::now() + SWEEP_INTERVAL),
        }
    }

    /// Counts a request of this user, if there is a limit, and notes the header fields for the response.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`]. The request is not counted then.
    pub(super) fn check(request: &HttpRequest, user: UserId) -> Result<(), ApiError> {
        let Some(limit) = request.app_data::<web::Data<Self>>() else { return Ok(()) };
        let (remaining, seconds, result) = match limit.limiter.check_key(&user) {
            Ok(state) => (state.remaining_burst_capacity(), limit.replenish_seconds, Ok(())),
            Err(until) => {
                let wait = until.wait_time_from(limit.limiter.clock().now());
                let retry_after_seconds = whole_seconds(wait);
                let error = ApiError::TooManyRequests { retry_after_seconds };
                (0, retry_after_seconds, Err(error))
            }
        };
        request.extensions_mut().insert(RateLimitFields {
            limit: value(&format!("\"user\";r={remaining};t={seconds}")),
            policy: limit.policy.clone(),
        });
        limit.sweep();
        result
    }

    /// Forgets users whose bucket is full, which changes nothing for them, if it was not done lately.
    fn sweep(&self) {
        let mut next = match self.next_sweep.try_lock() {
            Ok(next) => next,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Another thread is doing it.
            Err(TryLockError::WouldBlock) => return,
        };
        if Instant::now() >= *next {
            self.limiter.retain_recent();
            *next = Instant::now() + SWEEP_INTERVAL;
        }
    }
}

/// Rounds up, to a second at least, because a client that waits a little less is refused again.
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

/// Digits and punctuation are a valid header value.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
