//! Follows the calls of traced requests through the queue.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use todo_domain::RepositoryError;

use super::schedule::JobKind;
use crate::traces::{CallEnd, CallTracer, RecordCall, TracedCall};

/// Traces the calls of one pool.
pub(crate) struct PoolTracer {
    tracer: CallTracer,
    /// The name of the DBMS.
    system: &'static str,
    /// The names of the kinds of jobs.
    operations: [&'static str; JobKind::COUNT],
}

impl PoolTracer {
    /// Traces by this tracer, if there is one.
    pub(crate) fn of(
        tracer: Option<CallTracer>,
        system: &'static str,
        operations: [&'static str; JobKind::COUNT],
    ) -> Option<Self> {
        tracer.map(|tracer| Self { tracer, system, operations })
    }

    /// Begins a call, if it is traced.
    pub(super) fn begin(&self, pool: &'static str) -> Option<CallTrace> {
        let record = (self.tracer)()?;
        Some(CallTrace {
            record: Some(record),
            system: self.system,
            pool,
            operations: self.operations,
            kind: None,
            queued: Instant::now(),
            marks: Arc::default(),
        })
    }
}

/// Those of a call, if it is traced.
pub(crate) type CallMarks = Option<Arc<Marks>>;

/// The times that the threads note, which the caller cannot know.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    started: OnceLock<(Instant, usize)>,
    replied: OnceLock<Instant>,
}

impl Marks {
    /// A thread has taken the call, in a batch of this size.
    pub(super) fn start(&self, now: Instant, batch_size: usize) {
        self.started.get_or_init(|| (now, batch_size));
    }

    /// The reply is about to be sent.
    pub(super) fn reply(&self) {
        self.replied.get_or_init(Instant::now);
    }
}

/// A traced call that its caller waits for. Recorded when it ends, or when it is dropped: then it was cancelled.
pub(super) struct CallTrace {
    record: Option<RecordCall>,
    system: &'static str,
    pool: &'static str,
    operations: [&'static str; JobKind::COUNT],
    kind: Option<JobKind>,
    queued: Instant,
    marks: Arc<Marks>,
}

impl CallTrace {
    pub(super) fn marks(&self) -> Arc<Marks> {
        Arc::clone(&self.marks)
    }

    pub(super) fn set_kind(&mut self, kind: JobKind) {
        self.kind = Some(kind);
    }

    /// Records the call.
    pub(super) fn end<T>(mut self, result: &Result<T, RepositoryError>) {
        self.record(match result {
            Ok(_) => CallEnd::Succeeded,
            Err(error) => CallEnd::Failed(error),
        });
    }

    fn record(&mut self, end: CallEnd<'_>) {
        let Some(record) = self.record.take() else { return };
        record(&TracedCall {
            system: self.system,
            pool: self.pool,
            operation: self.kind.map_or("", |kind| self.operations[kind as usize]),
            queued: self.queued,
            started: self.marks.started.get().copied(),
            ended: self.marks.replied.get().copied().unwrap_or_else(Instant::now),
            end,
        });
    }
}

impl Drop for CallTrace {
    fn drop(&mut self) {
        self.record(CallEnd::Cancelled);
    }
}
