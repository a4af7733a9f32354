//! Waiting for events, however slow the machine is.

use std::thread;
use std::time::{Duration, Instant};

/// Ends a test that hangs; the events take a fraction of it.
pub(crate) const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < HANG_TIMEOUT, "timed out waiting for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
