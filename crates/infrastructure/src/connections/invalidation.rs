//! Invalidating many connections at once, without visiting each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Invalidates connections that were last used, or opened, before the time of the mark.
pub(super) struct InvalidationMark {
    origin: Instant,
    /// Since `origin`.
    micros: AtomicU64,
}

impl InvalidationMark {
    pub(super) fn new() -> Self {
        Self { origin: Instant::now(), micros: AtomicU64::new(0) }
    }

    /// Moves the mark to the present.
    pub(super) fn mark(&self) {
        self.micros.fetch_max(self.micros_at(Instant::now()), Ordering::Relaxed);
    }

    /// Whether the instant is not after the mark.
    pub(super) fn covers(&self, instant: Instant) -> bool {
        self.micros_at(instant) <= self.micros.load(Ordering::Relaxed)
    }

    fn micros_at(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.origin);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}
