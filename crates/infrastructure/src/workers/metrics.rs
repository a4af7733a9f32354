//! What is recorded about a queue and the batches that its threads run.

use std::time::Instant;

use prometheus_client::metrics::histogram::Histogram;

use super::schedule::{Job, JobKind, Outcome};

/// The histograms of one queue. Recording takes a few nanoseconds, and allocates nothing.
#[derive(Debug, Clone)]
pub(crate) struct QueueMetrics {
    /// How long calls waited until a thread took them, or until they expired, in seconds.
    pub(crate) wait: Histogram,
    /// How long batches took, by kind, in seconds.
    pub(crate) duration: [Histogram; JobKind::COUNT],
    /// How many calls a batch had, by kind.
    pub(crate) batch_size: [Histogram; JobKind::COUNT],
}

impl QueueMetrics {
    /// Adds the recording to `work`. Batches whose jobs had all expired are not recorded.
    pub(super) fn measure<J: Job>(
        self,
        work: impl Fn(Vec<J>) -> Outcome,
    ) -> impl Fn(Vec<J>) -> Outcome {
        move |jobs| {
            let (kind, size) = (jobs.first().map(Job::kind), jobs.len());
            let started = Instant::now();
            let outcome = work(jobs);
            if let Some(kind) = kind.filter(|_| outcome != Outcome::NotStarted) {
                self.duration[kind as usize].observe(started.elapsed().as_secs_f64());
                // Batches are small: the conversion is exact.
                self.batch_size[kind as usize]
                    .observe(u32::try_from(size).unwrap_or(u32::MAX).into());
            }
            outcome
        }
    }
}
