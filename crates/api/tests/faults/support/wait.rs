//! Waiting for what will happen, however slow the machine is.

use std::thread;
use std::time::{Duration, Instant};

/// Ends a hang; what is waited for takes a fraction of it.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
