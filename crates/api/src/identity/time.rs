//! The time, of which two kinds are needed, injected so that tests can set it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use todo_domain::{Clock, SystemClock};

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For ages and intervals, which must not depend on changes of the system clock.
    pub monotonic: Instant,
    /// For the claims of tokens: seconds since 1970.
    pub unix: i64,
}

impl Now {
    /// How long ago an earlier point was.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.monotonic.saturating_duration_since(earlier.monotonic)
    }
}

/// Tells the time.
pub type Time = Arc<dyn Fn() -> Now + Send + Sync>;

/// The system's time.
#[must_use]
pub fn system() -> Time {
    Arc::new(|| Now { monotonic: Instant::now(), unix: SystemClock.now().timestamp() })
}
