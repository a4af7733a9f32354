//! The tokens that a thread has verified recently. Verifying costs more than reading a todo; looking one up does not.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::Identity;
use super::time::Now;

/// How long a token is trusted without being verified again.
const MAX_AGE: Duration = Duration::from_secs(60);

/// How many tokens are cached. With the longest subject an entry takes about 1.3 KB.
const MAX_ENTRIES: usize = 2_048;

/// A cryptographic hash of a token: two tokens never share one, and it does not reveal the token.
pub type Digest = [u8; 32];

/// The hash of a token.
#[must_use]
pub fn digest(token: &str) -> Digest {
    let mut digest = Digest::default();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    digest.copy_from_slice(hash.as_ref());
    digest
}

#[derive(Debug)]
struct Entry {
    identity: Identity,
    until: Instant,
}

/// The cached tokens of one thread. Refused ones are never cached.
#[derive(Debug, Default)]
pub struct TokenCache {
    entries: HashMap<Digest, Entry>,
    /// In the order of insertion.
    order: VecDeque<Digest>,
    /// The generation of the keys that the tokens were verified with.
    generation: u64,
}

impl TokenCache {
    /// The caller that a token names, if it was verified recently with the keys of this generation, and has not
    /// expired.
    pub fn get(&mut self, token: &Digest, generation: u64, now: Now) -> Option<&Identity> {
        self.begin(generation);
        let entry = self.entries.get(token)?;
        let expires_at = entry.identity.session.as_ref().map(|it| it.expires_at.timestamp());
        let is_expired = expires_at.is_none_or(|it| now.unix >= it);
        (!is_expired && now.monotonic < entry.until).then_some(&entry.identity)
    }

    /// Adds a token that was verified with the keys of this generation.
    pub fn insert(&mut self, token: Digest, identity: Identity, generation: u64, now: Now) {
        self.begin(generation);
        let entry = Entry { identity, until: now.monotonic + MAX_AGE };
        if self.entries.insert(token, entry).is_some() {
            return;
        }
        self.order.push_back(token);
        if self.order.len() > MAX_ENTRIES
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }

    /// Forgets all tokens if the keys have changed.
    fn begin(&mut self, generation: u64) {
        if self.generation != generation {
            *self = Self { generation, ..Self::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use todo_domain::UserId;
    use uuid::Uuid;

    use super::super::Session;
    use super::*;

    const EXPIRY: i64 = 1_000_000;

    fn identity() -> Identity {
        let expires_at = DateTime::from_timestamp(EXPIRY, 0).unwrap();
        let session = Session { subject: "ann".to_owned(), expires_at };
        Identity { user: UserId(Uuid::nil()), session: Some(Arc::new(session)) }
    }

    fn at(start: Now, seconds: u64) -> Now {
        let monotonic = start.monotonic + Duration::from_secs(seconds);
        Now { monotonic, unix: start.unix + i64::try_from(seconds).unwrap() }
    }

    fn start(unix: i64) -> Now {
        Now { monotonic: Instant::now(), unix }
    }

    #[test]
    fn a_token_is_trusted_for_a_minute() {
        let (mut cache, now, token) = (TokenCache::default(), start(0), digest("a"));
        cache.insert(token, identity(), 1, now);
        assert_eq!(cache.get(&token, 1, at(now, 59)), Some(&identity()));
        assert_eq!(cache.get(&token, 1, at(now, 60)), None);
        assert_eq!(cache.get(&digest("b"), 1, now), None);
        // Verified again.
        cache.insert(token, identity(), 1, at(now, 61));
        assert_eq!(cache.get(&token, 1, at(now, 120)), Some(&identity()));
    }

    #[test]
    fn a_token_is_never_trusted_when_it_has_expired() {
        let (mut cache, now, token) = (TokenCache::default(), start(EXPIRY - 10), digest("a"));
        cache.insert(token, identity(), 1, now);
        assert!(cache.get(&token, 1, at(now, 9)).is_some());
        assert_eq!(cache.get(&token, 1, at(now, 10)), None);
    }

    #[test]
    fn new_keys_empty_the_cache() {
        let (mut cache, now, token) = (TokenCache::default(), start(0), digest("a"));
        cache.insert(token, identity(), 1, now);
        assert_eq!(cache.get(&token, 2, now), None);
        assert_eq!(cache.get(&token, 1, now), None);
    }

    #[test]
    fn the_number_of_tokens_is_bounded_and_the_oldest_give_way() {
        let (mut cache, now) = (TokenCache::default(), start(0));
        let tokens: Vec<_> = (0..3 * MAX_ENTRIES).map(|it| digest(&it.to_string())).collect();
        for token in &tokens {
            cache.insert(*token, identity(), 1, now);
            cache.insert(*token, identity(), 1, now);
        }
        assert_eq!((cache.entries.len(), cache.order.len()), (MAX_ENTRIES, MAX_ENTRIES));
        assert!(cache.get(&tokens[2 * MAX_ENTRIES - 1], 1, now).is_none());
        assert!(cache.get(&tokens[2 * MAX_ENTRIES], 1, now).is_some());
    }
}
