//! The thread that refreshes the keys.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use super::source::Source;
use super::store::{KeyStore, Next};
use super::time::Time;

/// Refreshes the keys until the store is stopped.
///
/// # Errors
/// If the operating system refuses a thread.
pub fn start(store: Arc<KeyStore>, source: Source, time: Time) -> std::io::Result<()> {
    let refresh = move || {
        while let Some(pause) = step(&store, &source, &time) {
            store.wait(pause);
        }
    };
    thread::Builder::new().name("key-set".to_owned()).spawn(refresh)?;
    Ok(())
}

/// Fetches the keys if that is due. Returns how long the thread may sleep; `None` if the store was stopped.
pub(super) fn step(store: &KeyStore, source: &Source, time: &Time) -> Option<std::time::Duration> {
    loop {
        let now = time();
        match store.begin(now) {
            Next::Stop => return None,
            Next::Wait(pause) => return Some(pause),
            Next::Fetch => {}
        }
        // An error in reading one key set must not end the thread.
        let result = catch_unwind(AssertUnwindSafe(|| source.fetch()))
            .unwrap_or_else(|_| Err("reading the key set panicked".to_owned()));
        match result {
            Ok(fetched) => {
                let (keys, skipped) = (fetched.keys.len(), fetched.keys.skipped().to_vec());
                if store.finish(now, Some(fetched)) {
                    tracing::info!(source = %source, keys, "the key set has changed");
                    for key in skipped {
                        tracing::warn!(source = %source, %key, "a key of the key set is not used");
                    }
                }
            }
            Err(problem) => {
                store.finish(now, None);
                tracing::warn!(source = %source, problem, "the key set cannot be fetched");
            }
        }
    }
}
