//! Waiting for locks and other instances, by polling, for a limited time.

use std::thread;
use std::time::{Duration, Instant};

use crate::options::OpenError;

/// Limits how long a migration waits in all. The time starts with the first pause.
pub(crate) struct WaitLimit {
    limit: Duration,
    /// When it started to wait, and for what it waits now.
    waiting: Option<(Instant, &'static str)>,
}

impl WaitLimit {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, waiting: None }
    }

    /// Sleeps for `pause` before the next attempt. Logs the cause when it changes.
    ///
    /// # Errors
    /// [`OpenError::MigrationTimeout`] if the limit has been reached.
    pub(crate) fn pause(&mut self, pause: Duration, cause: &'static str) -> Result<(), OpenError> {
        let (started_at, last_cause) = self.waiting.unwrap_or_else(|| (Instant::now(), ""));
        if started_at.elapsed() >= self.limit {
            return Err(OpenError::MigrationTimeout { limit: self.limit, cause });
        }
        if last_cause != cause {
            let limit = format!("{:?}", self.limit);
            tracing::info!(limit, "waiting to migrate: {cause}");
        }
        self.waiting = Some((started_at, cause));
        thread::sleep(pause.min(self.limit));
        Ok(())
    }
}
