//! Waiting for others, in pauses, and not for ever.

use std::thread;
use std::time::{Duration, Instant};

use crate::options::OpenError;

/// How long a migration waits for others.
pub(crate) struct Patience {
    limit: Duration,
    /// When it began to wait, and for what.
    since: Option<(Instant, &'static str)>,
}

impl Patience {
    /// Patience for so long from the first pause on.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, since: None }
    }

    /// Waits a little before the next attempt. The log is told the first time, and when the cause changes.
    ///
    /// # Errors
    /// [`OpenError::MigrationTimeout`] when the time is up.
    pub(crate) fn pause(&mut self, pause: Duration, cause: &'static str) -> Result<(), OpenError> {
        let (since, told) = self.since.unwrap_or_else(|| (Instant::now(), ""));
        if since.elapsed() >= self.limit {
            return Err(OpenError::MigrationTimeout { limit: self.limit, cause });
        }
        if told != cause {
            let limit = format!("{:?}", self.limit);
            tracing::info!(limit, "waiting to migrate: {cause}");
        }
        self.since = Some((since, cause));
        thread::sleep(pause.min(self.limit));
        Ok(())
    }
}
