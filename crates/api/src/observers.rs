//! What the server tells its operator: metrics, and traces of its database calls.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use todo_api::metrics::{Causes, Metrics};
use todo_api::traces::{self, Child, RequestSpan};
use todo_domain::RepositoryError;
use todo_infrastructure::traces::{CallEnd, CallTracer, RecordCall, TracedCall};
use todo_infrastructure::{UNAVAILABLE_CAUSES, unavailable_cause};

use crate::sockets::listen;

/// The metrics, if they are on.
pub(crate) fn metrics(
    address: Option<SocketAddr>,
    max_connections: usize,
) -> anyhow::Result<Option<Metrics>> {
    let Some(address) = address else { return Ok(None) };
    let listener =
        listen(address).with_context(|| format!("METRICS_ADDRESS: cannot listen on {address}"))?;
    let causes = Causes { names: &UNAVAILABLE_CAUSES, name: unavailable_cause };
    Ok(Some(Metrics::new(listener, max_connections, causes)))
}

/// Traces the calls of sampled requests.
pub(crate) fn call_tracer() -> CallTracer {
    Arc::new(|| {
        let request = traces::current()?;
        let record: RecordCall = Box::new(move |call| add_call(&request, call));
        Some(record)
    })
}

/// Adds a span for the time in the queue, and one for the statement, if a thread has taken the call.
fn add_call(request: &RequestSpan, call: &TracedCall<'_>) {
    let error = error_type(call.end);
    let started = call.started.map(|(started, _)| started);
    // If it was never started, it failed in the queue.
    let queue_error = error.filter(|_| started.is_none());
    let mut attributes = vec![KeyValue::new("db.client.connection.pool.name", call.pool)];
    attributes.extend(queue_error.map(|it| KeyValue::new("error.type", it)));
    request.add(Child {
        name: "queue".into(),
        kind: SpanKind::Internal,
        start: call.queued,
        end: started.unwrap_or(call.ended),
        is_error: queue_error.is_some(),
        attributes,
    });
    let Some((start, batch_size)) = call.started else { return };
    let mut attributes = vec![
        KeyValue::new("db.system.name", call.system),
        KeyValue::new("db.operation.name", call.operation),
        KeyValue::new("db.collection.name", "todos"),
    ];
    if batch_size > 1 {
        let size = i64::try_from(batch_size).unwrap_or(i64::MAX);
        attributes.push(KeyValue::new("db.operation.batch.size", size));
    }
    attributes.extend(error.map(|it| KeyValue::new("error.type", it)));
    request.add(Child {
        name: format!("{} todos", call.operation).into(),
        kind: SpanKind::Client,
        start,
        end: call.ended,
        is_error: error.is_some(),
        attributes,
    });
}

/// The cause of a failure, as in metrics.
fn error_type(end: CallEnd<'_>) -> Option<&'static str> {
    match end {
        CallEnd::Succeeded => None,
        CallEnd::Cancelled => Some("cancelled"),
        CallEnd::Failed(RepositoryError::Unavailable(source)) => {
            Some(unavailable_cause(&**source).unwrap_or("other"))
        }
        CallEnd::Failed(RepositoryError::Internal(_)) => Some("internal"),
    }
}
