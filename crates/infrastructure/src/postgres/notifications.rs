//! Tells other processes of changes at once, by `NOTIFY`, and hears of theirs, by `LISTEN`.
//!
//! Nothing is sent inside a write: its commit would take a lock of the whole cluster. Instead, one thread gathers the
//! users whose todos have changed, and tells of all of them by one statement of its own. What gets lost (a crash, a lost
//! connection, a pooler that takes the session away) is found by polling.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{ConnectionResult, QueryResult};
use diesel::sql_types::Text;
use todo_domain::{ChangeRelay, RemoteChanges, UserId};
use uuid::Uuid;

use super::connection::establish;
use crate::url::PostgresUrl;

const CHANNEL: &str = "todo_api_changes";

/// How long changes are gathered before others are told of them.
const GATHERING: Duration = Duration::from_millis(50);

/// More users than these are sent as "all": a payload has at most 8,000 bytes, and each user takes 16.
const MAX_USERS: usize = 480;

/// How often notifications are looked for. Diesel has no call that waits for them.
const LOOK_INTERVAL: Duration = Duration::from_millis(30);

/// A connection without use for so long is closed, so that a serverless database can sleep.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The pause after a failure. Polling still finds the changes.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Tells other processes of changes, and hears of theirs.
pub(crate) struct Notifications(Arc<Shared>);

struct Shared {
    url: PostgresUrl,
    /// Names this process, which need not hear of its own changes.
    process: String,
    state: Mutex<State>,
    /// There is a first user to tell of, or it was stopped.
    has_changes: Condvar,
    /// Whether it listens has changed, or it was stopped.
    has_listeners: Condvar,
}

#[derive(Default)]
struct State {
    is_stopped: bool,
    is_listening: bool,
    /// The hashes of the users to tell of.
    users: HashSet<u64>,
    /// Instead of more users than fit.
    all_users: bool,
}

impl Notifications {
    /// The relay by the database of this URL, without a thread yet.
    pub(crate) fn new(url: &PostgresUrl) -> Self {
        let process = Uuid::new_v4().simple().to_string();
        Self(Arc::new(Shared {
            url: url.clone(),
            process,
            state: Mutex::default(),
            has_changes: Condvar::new(),
            has_listeners: Condvar::new(),
        }))
    }
}

impl ChangeRelay for Notifications {
    fn start(&self, remote: Arc<dyn RemoteChanges>) {
        let (sender, listener) = (Arc::clone(&self.0), Arc::clone(&self.0));
        let thread = |name: &str| thread::Builder::new().name(name.to_owned());
        let started = thread("notify").spawn(move || sender.send_changes()).and_then(|_| {
            thread("listen").spawn(move || listener.listen_for_changes(remote.as_ref()))
        });
        if let Err(error) = started {
            tracing::warn!(%error, "cannot start a thread: changes of other processes are found by polling only");
        }
    }

    fn publish(&self, user: UserId) {
        let mut state = self.0.state();
        if state.users.len() < MAX_USERS {
            state.users.insert(hash(user));
        } else {
            state.all_users = true;
        }
        if state.users.len() == 1 {
            self.0.has_changes.notify_one();
        }
    }

    fn set_listening(&self, is_listening: bool) {
        self.0.state().is_listening = is_listening;
        self.0.has_listeners.notify_one();
    }

    fn stop(&self) {
        self.0.state().is_stopped = true;
        self.0.has_changes.notify_one();
        self.0.has_listeners.notify_one();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something holds; false when the relay was stopped, or after `timeout`.
    fn wait_until(
        &self,
        condition: &Condvar,
        timeout: Duration,
        holds: impl Fn(&State) -> bool,
    ) -> bool {
        let waiting = |state: &mut State| !state.is_stopped && !holds(state);
        let waited = condition.wait_timeout_while(self.state(), timeout, waiting);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.is_stopped && holds(&state)
    }

    fn is_stopped(&self) -> bool {
        self.state().is_stopped
    }

    /// Sends what was gathered, until the relay is stopped.
    fn send_changes(&self) {
        let mut connection = None;
        while !self.is_stopped() {
            if !self.wait_until(&self.has_changes, IDLE_TIMEOUT, |it| !it.users.is_empty()) {
                connection = None;
                continue;
            }
            thread::sleep(GATHERING);
            let payload = self.take_payload();
            if self.send(&mut connection, &payload).is_err() {
                connection = None;
                // Connections also end while they are idle.
                if self.send(&mut connection, &payload).is_err() {
                    connection = None;
                    self.wait_until(&self.has_changes, RETRY_DELAY, |_| false);
                }
            }
        }
    }

    fn send(&self, connection: &mut Option<PgConnection>, payload: &str) -> QueryResult<usize> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(
                establish(&self.url)
                    .map_err(|error| diesel::result::Error::QueryBuilderError(error.into()))?,
            ),
        };
        diesel::sql_query("SELECT pg_notify($1, $2)")
            .bind::<Text, _>(CHANNEL)
            .bind::<Text, _>(payload)
            .execute(connection)
    }

    /// `<process> all`, or `<process> <hash>…`
    fn take_payload(&self) -> String {
        let mut state = self.state();
        let users = std::mem::take(&mut state.users);
        let all_users = std::mem::take(&mut state.all_users);
        drop(state);
        let mut payload = format!("{} ", self.process);
        if all_users {
            payload.push_str("all");
        }
        for user in users.into_iter().filter(|_| !all_users) {
            // Writing to a string cannot fail.
            let _ = write!(payload, "{user:016x}");
        }
        payload
    }

    /// Listens while that is wanted, until the relay is stopped.
    fn listen_for_changes(&self, remote: &dyn RemoteChanges) {
        while !self.is_stopped() {
            if self.wait_until(&self.has_listeners, IDLE_TIMEOUT, |it| it.is_listening)
                && self.listen(remote).is_err()
            {
                self.wait_until(&self.has_listeners, RETRY_DELAY, |_| false);
            }
        }
    }

    fn listen(&self, remote: &dyn RemoteChanges) -> ConnectionResult<()> {
        let query = diesel::result::ConnectionError::CouldntSetupConfiguration;
        let mut connection = establish(&self.url)?;
        connection.batch_execute(&format!("LISTEN {CHANNEL}")).map_err(query)?;
        let mut checked = Instant::now();
        while self.wait_until(&self.has_listeners, Duration::ZERO, |it| it.is_listening) {
            for notification in connection.notifications_iter() {
                self.receive(&notification.map_err(query)?.payload, remote);
            }
            if checked.elapsed() > IDLE_TIMEOUT {
                connection.batch_execute("SELECT 1").map_err(query)?;
                checked = Instant::now();
            }
            thread::sleep(LOOK_INTERVAL);
        }
        Ok(())
    }

    fn receive(&self, payload: &str, remote: &dyn RemoteChanges) {
        let Some((process, users)) = payload.split_once(' ') else { return };
        if process == self.process {
            return;
        }
        if users == "all" {
            return remote.changed_elsewhere(&|_| true);
        }
        let hashes = users.as_bytes().chunks(16).filter_map(|it| str::from_utf8(it).ok());
        let hashes: HashSet<u64> =
            hashes.filter_map(|it| u64::from_str_radix(it, 16).ok()).collect();
        remote.changed_elsewhere(&|user| hashes.contains(&hash(user)));
    }
}

/// A hash that is the same in every process (FNV-1a): a payload does not show who has changed something.
fn hash(user: UserId) -> u64 {
    user.0.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Heard(Mutex<Vec<bool>>, UserId);

    impl RemoteChanges for Heard {
        fn changed_elsewhere(&self, has_changed: &dyn Fn(UserId) -> bool) {
            self.0.lock().unwrap().push(has_changed(self.1));
        }
    }

    fn relay() -> Notifications {
        let url = match "postgres://localhost/todos".parse().unwrap() {
            crate::DatabaseUrl::Postgres(url) => url,
            other => panic!("{other}"),
        };
        Notifications::new(&url)
    }

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    #[test]
    fn a_payload_tells_other_processes_of_the_users_and_is_short_enough() {
        let (ours, theirs) = (relay(), relay());
        for (users, expected) in
            [(1..=1, [true, false]), (1..=480, [true, false]), (1..=481, [true, true])]
        {
            users.for_each(|it| ours.publish(user(it)));
            let payload = ours.0.take_payload();
            assert!(payload.len() < 8_000, "{}", payload.len());
            for (who, expected) in [1, 1_000].into_iter().zip(expected) {
                let heard = Heard(Mutex::default(), user(who));
                theirs.0.receive(&payload, &heard);
                ours.0.receive(&payload, &heard);
                assert_eq!(*heard.0.lock().unwrap(), [expected]);
            }
        }
    }
}
