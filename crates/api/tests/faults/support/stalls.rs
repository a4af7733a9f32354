//! Whether the machine itself stands still, which no server can help.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread sleeps that looks how late it is woken.
const NAP: Duration = Duration::from_millis(5);

/// A stall that an honest deadline does not survive. The load of a test makes the thread late by a few milliseconds.
const DISTURBING: Duration = Duration::from_millis(100);

/// Watches the machine until it is dropped.
#[derive(Debug)]
pub(crate) struct Stalls {
    longest_micros: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
}

impl Stalls {
    pub(crate) fn watch() -> Self {
        let stalls = Self { longest_micros: Arc::default(), done: Arc::default() };
        let (longest, done) = (Arc::clone(&stalls.longest_micros), Arc::clone(&stalls.done));
        thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let begun = Instant::now();
                thread::sleep(NAP);
                let late = begun.elapsed().saturating_sub(NAP);
                longest.fetch_max(u64::try_from(late.as_micros()).unwrap(), Ordering::Relaxed);
            }
        });
        stalls
    }

    /// Whether it stood still for so long that what a test has measured since says nothing.
    pub(crate) fn disturb(&self) -> bool {
        Duration::from_micros(self.longest_micros.load(Ordering::Relaxed)) > DISTURBING
    }
}

impl Drop for Stalls {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
    }
}
