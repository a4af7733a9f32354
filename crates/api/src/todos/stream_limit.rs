//! Limits how many long lists are streamed at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use todo_domain::UserId;

use crate::error::ApiError;

/// The maximum number of streams. Each takes about 110 KiB if the client is slow.
const MAX_STREAMS: usize = 1_024;

/// The maximum number of streams of one user, so that nobody can use up all of them.
const MAX_STREAMS_PER_USER: usize = MAX_STREAMS / 2;

/// The limit is reached.
#[derive(Debug, thiserror::Error)]
#[error("too many long lists are being sent")]
pub struct TooManyStreams;

/// Limits the number of streams, in total and per user. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct StreamLimit(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    per_user: HashMap<UserId, usize>,
}

/// A permit to stream a list, released on drop.
#[derive(Debug)]
pub struct StreamPermit {
    limit: StreamLimit,
    user: UserId,
}

impl StreamLimit {
    /// Acquires a permit, without waiting: slow clients hold permits for too long for waiting to help.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] if the limit is reached.
    pub fn acquire(&self, user: UserId) -> Result<StreamPermit, ApiError> {
        let mut counts = self.counts();
        let user_count = counts.per_user.get(&user).copied().unwrap_or(0);
        if counts.total >= MAX_STREAMS || user_count >= MAX_STREAMS_PER_USER {
            return Err(ApiError::Unavailable(TooManyStreams.into()));
        }
        counts.total += 1;
        counts.per_user.insert(user, user_count + 1);
        Ok(StreamPermit { limit: self.clone(), user })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut counts = self.limit.counts();
        counts.total -= 1;
        if let Some(count) = counts.per_user.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                counts.per_user.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    #[test]
    fn one_user_cannot_use_all_permits() {
        let limit = StreamLimit::default();
        let permits: Vec<_> =
            (0..MAX_STREAMS_PER_USER).map(|_| limit.acquire(user(1)).unwrap()).collect();
        assert!(matches!(limit.acquire(user(1)), Err(ApiError::Unavailable(_))));
        assert!(limit.acquire(user(2)).is_ok());
        drop(permits);
        assert!(limit.acquire(user(1)).is_ok());
        assert!(limit.counts().per_user.is_empty());
    }

    #[test]
    fn the_total_number_of_permits_is_limited() {
        let limit = StreamLimit::default();
        let mut permits: Vec<_> =
            (0..MAX_STREAMS).map(|number| limit.acquire(user(number as u128)).unwrap()).collect();
        assert!(matches!(limit.acquire(user(1 << 100)), Err(ApiError::Unavailable(_))));
        permits.pop();
        assert!(limit.acquire(user(1 << 100)).is_ok());
    }
}
