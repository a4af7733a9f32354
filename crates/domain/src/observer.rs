//! The port by which others hear of changes.

use std::sync::Arc;

use crate::UserId;

/// Is told when the todos of a user may have changed. It must return at once.
pub trait ChangeObserver: Send + Sync {
    /// A write of this user has ended. It may have changed nothing; [`OwnerClock`](crate::OwnerClock) tells.
    fn write_ended(&self, user: UserId);
}

/// Tells the observer, if there is one, when it is dropped: also after a write that failed, because that may have been
/// carried out, and one whose caller no longer waits for it.
pub(crate) struct WriteGuard<'a> {
    pub(crate) observer: Option<&'a Arc<dyn ChangeObserver>>,
    pub(crate) user: UserId,
}

impl Drop for WriteGuard<'_> {
    fn drop(&mut self) {
        if let Some(observer) = self.observer {
            observer.write_ended(self.user);
        }
    }
}

/// Tells other processes of changes at once, and hears of theirs. What it loses is found otherwise. All methods return at
/// once.
pub trait ChangeRelay: Send + Sync {
    /// Starts its threads.
    fn start(&self, remote: Arc<dyn RemoteChanges>);

    /// Tells other processes that the todos of this user may have changed.
    fn publish(&self, user: UserId);

    /// Whether this process wants to hear of changes. At first it does not.
    fn set_listening(&self, is_listening: bool);

    /// Ends its threads.
    fn stop(&self);
}

/// Is told of the changes that other processes made.
pub trait RemoteChanges: Send + Sync {
    /// The todos of the users for whom `has_changed` holds may have changed.
    fn changed_elsewhere(&self, has_changed: &dyn Fn(UserId) -> bool);
}
