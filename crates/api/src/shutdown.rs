//! The state of a graceful shutdown: whether it has begun, and how many connections are open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often the number of open connections is checked.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A flag that is set once and seen by all requests. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<AtomicBool>);

impl Shutdown {
    /// Begins the shutdown: from now on the readiness check fails, and connections are closed after their next
    /// response.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the shutdown has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The number of open connections. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<AtomicUsize>);

/// An open connection, counted until it is dropped.
#[derive(Debug)]
pub struct OpenConnection(Connections);

impl Connections {
    /// Counts a new connection.
    #[must_use]
    pub fn open(&self) -> OpenConnection {
        self.0.fetch_add(1, Ordering::Relaxed);
        OpenConnection(self.clone())
    }

    /// How many are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits until no connection is open, but no longer than `timeout`.
    pub async fn all_closed(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        while self.count() > 0 && Instant::now() < deadline {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
