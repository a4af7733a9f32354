//! The buckets of the users, in bounded memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use todo_domain::UserId;

/// The buckets of up to `max` users.
///
/// Beyond that, further users are not limited until others have been forgotten. Whoever can invent that many users
/// evades a limit per user anyway; refusing or evicting users would let them make others pay.
#[derive(Debug)]
pub(super) struct Users {
    buckets: Mutex<HashMap<UserId, Nanos>>,
    max: usize,
}

impl Users {
    pub(super) fn new(max: usize) -> Self {
        Self { buckets: Mutex::default(), max }
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<UserId, Nanos>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Users {
    type Key = UserId;

    fn measure_and_replace<T, F, E>(&self, user: &UserId, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut buckets = self.buckets();
        let previous = buckets.get(user).copied();
        let (outcome, next) = measure(previous)?;
        if previous.is_some() || buckets.len() < self.max {
            buckets.insert(*user, next);
            return Ok(outcome);
        }
        drop(buckets);
        tracing::warn!("RATE_LIMIT is not applied to further users: too many have sent requests");
        Ok(outcome)
    }
}

impl ShrinkableKeyedStateStore<UserId> for Users {
    fn retain_recent(&self, drop_below: Nanos) {
        self.buckets().retain(|_, bucket| *bucket > drop_below);
    }

    fn len(&self) -> usize {
        self.buckets().len()
    }

    fn is_empty(&self) -> bool {
        self.buckets().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;
    use governor::middleware::StateInformationMiddleware;
    use governor::{Quota, RateLimiter};
    use uuid::Uuid;

    use super::*;

    /// A limiter that tracks at most 10 users.
    fn limiter(
        quota: Quota,
        clock: FakeRelativeClock,
    ) -> RateLimiter<UserId, Users, FakeRelativeClock, StateInformationMiddleware> {
        RateLimiter::new(quota, Users::new(10), clock)
    }

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    #[test]
    fn memory_is_bounded_and_the_users_who_are_tracked_stay_limited() {
        let clock = FakeRelativeClock::default();
        let quota = Quota::per_minute(NonZeroU32::new(2).unwrap());
        let limiter = limiter(quota, clock.clone());
        for _ in 0..2 {
            assert!(limiter.check_key(&user(0)).is_ok());
        }
        // A stranger with many ids is not limited, and does not evict anybody.
        for number in 1..1_000 {
            assert!(limiter.check_key(&user(number)).is_ok());
        }
        assert_eq!(limiter.len(), 10);
        assert!(limiter.check_key(&user(0)).is_err());
        assert!(limiter.check_key(&user(1)).is_ok());
        assert!(limiter.check_key(&user(1)).is_err());

        // Their buckets are full again, so they are forgotten, and others are tracked.
        clock.advance(Duration::from_secs(121));
        limiter.retain_recent();
        assert_eq!(limiter.len(), 0);
        for _ in 0..2 {
            assert!(limiter.check_key(&user(999)).is_ok());
        }
        assert!(limiter.check_key(&user(999)).is_err());
    }

    #[test]
    fn a_user_who_is_forgotten_gains_nothing() {
        let clock = FakeRelativeClock::default();
        let quota = Quota::per_second(NonZeroU32::new(5).unwrap());
        let limiter = limiter(quota, clock.clone());
        let mut admitted = 0;
        for _ in 0..1_000 {
            // 10 requests per second for 100 s: 5 at once, and 5 per second.
            clock.advance(Duration::from_millis(100));
            admitted += usize::from(limiter.check_key(&user(0)).is_ok());
            limiter.retain_recent();
        }
        assert!((500..=505).contains(&admitted), "{admitted}");
    }
}
