//! How many long lists are being sent at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use todo_domain::UserId;

use crate::error::ApiError;

/// So many may be under way. With slow clients each takes about 110 KiB.
const MAX_LISTS: usize = 1_024;

/// So many of one user: nobody can have all places.
const MAX_LISTS_OF_USER: usize = MAX_LISTS / 2;

/// The long lists that are being sent. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct OpenLists(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    of: HashMap<UserId, usize>,
}

/// One of them; its place is free again when this is dropped.
#[derive(Debug)]
pub struct OpenList {
    lists: OpenLists,
    user: UserId,
}

impl OpenLists {
    /// Takes a place.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] when there is none: a slow client holds one for so long that waiting would not help.
    pub fn open(&self, user: UserId) -> Result<OpenList, ApiError> {
        let mut counts = self.counts();
        let of_user = counts.of.get(&user).copied().unwrap_or(0);
        if counts.total >= MAX_LISTS || of_user >= MAX_LISTS_OF_USER {
            return Err(ApiError::Unavailable("too many long lists are being sent".into()));
        }
        counts.total += 1;
        counts.of.insert(user, of_user + 1);
        Ok(OpenList { lists: self.clone(), user })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenList {
    fn drop(&mut self) {
        let mut counts = self.lists.counts();
        counts.total -= 1;
        if let Some(count) = counts.of.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                counts.of.remove(&self.user);
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
    fn one_user_leaves_places_to_others() {
        let lists = OpenLists::default();
        let open: Vec<_> = (0..MAX_LISTS_OF_USER).map(|_| lists.open(user(1)).unwrap()).collect();
        assert!(matches!(lists.open(user(1)), Err(ApiError::Unavailable(_))));
        assert!(lists.open(user(2)).is_ok());
        drop(open);
        assert!(lists.open(user(1)).is_ok());
        assert!(lists.counts().of.is_empty());
    }

    #[test]
    fn no_more_than_the_limit_are_open_in_all() {
        let lists = OpenLists::default();
        let mut open: Vec<_> =
            (0..MAX_LISTS).map(|number| lists.open(user(number as u128)).unwrap()).collect();
        assert!(matches!(lists.open(user(1 << 100)), Err(ApiError::Unavailable(_))));
        open.pop();
        assert!(lists.open(user(1 << 100)).is_ok());
    }
}
