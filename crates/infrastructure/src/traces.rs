//! What a database tells about the calls of traced requests. It makes no spans itself, and knows no tracing library.

use std::sync::Arc;
use std::time::Instant;

use todo_domain::RepositoryError;

/// Returns what records the next call, if the request that makes it is traced. Called where the call is made: in the
/// task of the request.
pub type CallTracer = Arc<dyn Fn() -> Option<RecordCall> + Send + Sync>;

/// Records a call that has ended.
pub type RecordCall = Box<dyn FnOnce(&TracedCall<'_>) + Send>;

/// A call that has ended.
#[derive(Debug, Clone, Copy)]
pub struct TracedCall<'a> {
    /// The name of the DBMS, by the OpenTelemetry conventions.
    pub system: &'static str,
    /// The name of the pool of threads.
    pub pool: &'static str,
    /// The kind of the call, as in metrics.
    pub operation: &'static str,
    /// When it was queued.
    pub queued: Instant,
    /// When a thread took it, and how many calls that thread took together; `None` if no thread did.
    pub started: Option<(Instant, usize)>,
    /// When its reply was sent, or its caller stopped waiting.
    pub ended: Instant,
    /// How it ended.
    pub end: CallEnd<'a>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub enum CallEnd<'a> {
    /// It has a result.
    Succeeded,
    /// It has failed.
    Failed(&'a RepositoryError),
    /// The request was cancelled, usually because the client has disconnected.
    Cancelled,
}
