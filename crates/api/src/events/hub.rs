//! The open streams. While nobody listens, a notice costs one atomic load.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use todo_domain::{
    ChangeObserver, ChangeRelay, OwnerClock, RemoteChanges, TodoError, TodoService, UserId,
};
use tokio::sync::watch::error::RecvError;
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};

use crate::error::ApiError;
use crate::health::ShuttingDown;
use crate::shutdown::{Connections, OpenConnection};

/// The maximum number of streams of one user: more than one person has browser tabs and devices.
pub const MAX_STREAMS_PER_USER: usize = 16;

/// The open streams of all users. Clones share them.
#[derive(Clone)]
pub struct EventHub(Arc<Shared>);

struct Shared {
    max_streams: usize,
    open: Connections,
    state: Mutex<State>,
    /// Notified when the first stream is opened.
    is_needed: Notify,
    /// Tells other processes, if there is one.
    relay: Option<Arc<dyn ChangeRelay>>,
}

#[derive(Default)]
struct State {
    is_closed: bool,
    listeners: HashMap<UserId, Listener>,
}

/// A user with open streams.
struct Listener {
    streams: usize,
    /// Counts the notices. A stream that is slow to read finds only the last one: it costs no queue.
    notices: watch::Sender<u64>,
    clock: Arc<SharedClock>,
}

/// The clock of a user as it was read last, and after how many notices. So all streams of the user share one read.
type SharedClock = AsyncMutex<Option<(u64, OwnerClock)>>;

/// An open stream of a user, counted until it is dropped.
pub struct Subscription {
    hub: EventHub,
    user: UserId,
    notices: watch::Receiver<u64>,
    clock: Arc<SharedClock>,
    _open: OpenConnection,
}

impl EventHub {
    /// Creates a hub that allows so many streams, counts them in `open`, and tells other processes by `relay`.
    #[must_use]
    pub fn new(max_streams: usize, open: Connections, relay: Option<Arc<dyn ChangeRelay>>) -> Self {
        let (state, is_needed) = (Mutex::default(), Notify::new());
        let hub = Self(Arc::new(Shared { max_streams, open, state, is_needed, relay }));
        if let Some(relay) = &hub.0.relay {
            relay.start(Arc::new(hub.clone()));
        }
        hub
    }

    /// Opens a stream.
    ///
    /// # Errors
    /// [`ApiError::TooManyStreams`] if there are too many, [`ApiError::Unavailable`] after [`EventHub::close`].
    pub fn subscribe(&self, user: UserId) -> Result<Subscription, ApiError> {
        let mut state = self.state();
        if state.is_closed {
            return Err(ApiError::Unavailable(ShuttingDown.into()));
        }
        let of_user = state.listeners.get(&user).map_or(0, |it| it.streams);
        if of_user >= MAX_STREAMS_PER_USER {
            return Err(ApiError::TooManyStreams { limit: MAX_STREAMS_PER_USER, is_total: false });
        }
        let limit = self.0.max_streams;
        if self.0.open.count() >= limit {
            return Err(ApiError::TooManyStreams { limit, is_total: true });
        }
        if let Some(relay) = self.0.relay.as_ref().filter(|_| state.listeners.is_empty()) {
            relay.set_listening(true);
        }
        let listener = state.listeners.entry(user).or_insert_with(|| Listener {
            streams: 0,
            notices: watch::Sender::new(0),
            clock: Arc::default(),
        });
        listener.streams += 1;
        self.0.is_needed.notify_one();
        Ok(Subscription {
            hub: self.clone(),
            user,
            notices: listener.notices.subscribe(),
            clock: Arc::clone(&listener.clock),
            _open: self.0.open.open(),
        })
    }

    /// Tells the streams of a user that there may be something new.
    pub fn notify(&self, user: UserId) {
        if self.0.open.count() == 0 {
            return;
        }
        if let Some(listener) = self.state().listeners.get(&user) {
            listener.notify();
        }
    }

    /// Tells the streams of a user whose todos have last changed at this time, unless they know that.
    pub fn notify_changed_at(&self, user: UserId, changed_at: DateTime<Utc>) {
        let state = self.state();
        let Some(listener) = state.listeners.get(&user) else { return };
        let is_known = listener.clock.try_lock().is_ok_and(|clock| {
            clock.is_some_and(|(_, clock)| clock.changed_at == Some(changed_at))
        });
        if !is_known {
            listener.notify();
        }
    }

    /// The users with open streams. Waits until there is one.
    pub async fn users(&self) -> Vec<UserId> {
        loop {
            let users: Vec<_> = self.state().listeners.keys().copied().collect();
            if !users.is_empty() {
                return users;
            }
            self.0.is_needed.notified().await;
        }
    }

    /// Ends all streams, and allows no further ones.
    pub fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        // With its sender gone, each stream ends.
        state.listeners.clear();
        if let Some(relay) = &self.0.relay {
            relay.stop();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChangeObserver for EventHub {
    fn write_ended(&self, user: UserId) {
        self.notify(user);
        if let Some(relay) = &self.0.relay {
            relay.publish(user);
        }
    }
}

impl RemoteChanges for EventHub {
    fn changed_elsewhere(&self, has_changed: &dyn Fn(UserId) -> bool) {
        let state = self.state();
        let changed = state.listeners.iter().filter(|(user, _)| has_changed(**user));
        changed.for_each(|(_, listener)| listener.notify());
    }
}

impl Listener {
    fn notify(&self) {
        self.notices.send_modify(|count| *count += 1);
    }
}

impl Subscription {
    /// Waits for a notice since the last one.
    ///
    /// # Errors
    /// After [`EventHub::close`].
    pub async fn notified(&mut self) -> Result<(), RecvError> {
        self.notices.changed().await
    }

    /// The clock of the user now.
    ///
    /// # Errors
    /// [`TodoError::Repository`] if the database fails.
    pub async fn read_clock(&self, service: &TodoService) -> Result<OwnerClock, TodoError> {
        self.read_clock_after(u64::MAX, service).await
    }

    /// The clock of the user as it was after the last notice, or later. Reads it only if no other stream has.
    ///
    /// # Errors
    /// [`TodoError::Repository`] if the database fails.
    pub async fn noticed_clock(&self, service: &TodoService) -> Result<OwnerClock, TodoError> {
        let count = *self.notices.borrow();
        self.read_clock_after(count, service).await
    }

    async fn read_clock_after(
        &self,
        notices: u64,
        service: &TodoService,
    ) -> Result<OwnerClock, TodoError> {
        let mut shared = self.clock.lock().await;
        if let Some((read_after, clock)) = *shared
            && read_after >= notices
        {
            return Ok(clock);
        }
        // Counted before the read: a notice that comes during the read needs another.
        let count = *self.notices.borrow();
        let clock = service.clock(self.user).await?;
        *shared = Some((count, clock));
        Ok(clock)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        if let Entry::Occupied(mut entry) = state.listeners.entry(self.user) {
            entry.get_mut().streams -= 1;
            if entry.get().streams == 0 {
                entry.remove();
            }
        }
        if let Some(relay) = self.hub.0.relay.as_ref().filter(|_| state.listeners.is_empty()) {
            relay.set_listening(false);
        }
    }
}

#[cfg(test)]
mod tests;
