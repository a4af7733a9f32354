//! Limits how many long lists are streamed at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header::ContentType;
use actix_web::web::Bytes;
use futures_util::stream::{self, StreamExt};
use todo_domain::UserId;

use super::stream::MAX_UNSTREAMED;
use crate::error::ApiError;
use crate::http::chunks::chunks;

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

/// A permit to stream a list or to send as much, released on drop.
#[derive(Debug)]
pub struct StreamPermit {
    limit: StreamLimit,
    user: UserId,
    /// How many streams it counts as.
    streams: usize,
}

impl StreamLimit {
    /// Acquires a permit, without waiting: slow clients hold permits for too long for waiting to help.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] if the limit is reached.
    pub fn acquire(&self, user: UserId) -> Result<StreamPermit, ApiError> {
        self.acquire_many(user, 1)
    }

    fn acquire_many(&self, user: UserId, streams: usize) -> Result<StreamPermit, ApiError> {
        let streams = streams.min(MAX_STREAMS_PER_USER);
        let mut counts = self.counts();
        let user_count = counts.per_user.get(&user).copied().unwrap_or(0) + streams;
        if counts.total + streams > MAX_STREAMS || user_count > MAX_STREAMS_PER_USER {
            return Err(ApiError::Unavailable(TooManyStreams.into()));
        }
        counts.total += streams;
        counts.per_user.insert(user, user_count);
        Ok(StreamPermit { limit: self.clone(), user, streams })
    }

    /// A response with this JSON. If it is long, it holds permits while it is sent: as many as streams that occupy as much
    /// memory, but no more than a user can have.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] if the limit is reached.
    pub fn respond(&self, user: UserId, json: Bytes) -> Result<HttpResponse, ApiError> {
        let mut response = HttpResponse::Ok();
        response.content_type(ContentType::json());
        if json.len() <= MAX_UNSTREAMED {
            return Ok(response.body(json));
        }
        let permit = self.acquire_many(user, json.len().div_ceil(MAX_UNSTREAMED))?;
        let length = json.len() as u64;
        let chunks = stream::iter(chunks(json)).map(move |chunk| {
            let _ = &permit;
            Ok::<_, ApiError>(chunk)
        });
        Ok(response.body(SizedStream::new(length, chunks)))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut counts = self.limit.counts();
        counts.total -= self.streams;
        if let Some(count) = counts.per_user.get_mut(&self.user) {
            *count -= self.streams;
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

    #[test]
    fn a_long_response_counts_as_streams_of_its_length_until_it_was_sent() {
        let limit = StreamLimit::default();
        let respond = |length| limit.respond(user(1), vec![b' '; length].into());
        let short = respond(MAX_UNSTREAMED).unwrap();
        assert!(limit.counts().per_user.is_empty());
        let long = respond(MAX_UNSTREAMED + 1).unwrap();
        assert_eq!(limit.counts().per_user[&user(1)], 2);
        assert!(respond(MAX_UNSTREAMED * MAX_STREAMS_PER_USER).is_err());
        drop((short, long));
        assert!(limit.counts().per_user.is_empty());
        // However long, it can be sent.
        let longest = respond(MAX_UNSTREAMED * (MAX_STREAMS_PER_USER + 1)).unwrap();
        assert!(respond(MAX_UNSTREAMED + 1).is_err());
        drop(longest);
        assert_eq!(limit.counts().total, 0);
    }
}
