//! Whether the server is going down, and who is still connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often it is looked whether everybody has left.
const LOOK: Duration = Duration::from_millis(10);

/// Set once, seen by every request. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<AtomicBool>);

impl Shutdown {
    /// From now on readiness is denied and connections are closed after their answer.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether that has been said.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The connections that are open. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<AtomicUsize>);

/// One open connection; it counts until it is dropped.
#[derive(Debug)]
pub struct OpenConnection(Connections);

impl Connections {
    /// Counts one more.
    #[must_use]
    pub fn open(&self) -> OpenConnection {
        self.0.fetch_add(1, Ordering::Relaxed);
        OpenConnection(self.clone())
    }

    /// Waits until none is open, but no longer than `at_most`.
    pub async fn all_closed(&self, at_most: Duration) {
        let deadline = Instant::now() + at_most;
        while self.0.load(Ordering::Relaxed) > 0 && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
