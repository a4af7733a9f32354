//! Traces, sent to a collector by OTLP over HTTP. Off unless an endpoint is set.
//!
//! | module | contents |
//! |---|---|
//! | `parent` | the trace that a request belongs to: `traceparent` and `tracestate` |
//! | `span` | the span of a request, and those within it |
//! | `export` | the OpenTelemetry protocol |
//!
//! Whether a request is traced is decided before any span is made, so that one that is not traced costs
//! next to nothing. Finished spans wait in a queue of fixed length for a thread of the OpenTelemetry SDK, which sends them;
//! when it is full, spans are dropped. So no request waits for a collector (ADR 18).

mod export;
mod parent;
mod span;

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServiceRequest;
use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{SpanKind, TraceId};
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample,
    SpanProcessor,
};
use ureq::http::{HeaderName, HeaderValue};

use self::export::Exporter;
use self::parent::Parent;
use self::span::OpenSpan;
pub use self::span::{Child, RequestSpan, current};

/// How long the program waits on exit for the last spans to be sent.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The options of traces.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceOptions {
    /// The URL that spans are posted to.
    pub url: String,
    /// Header fields of these requests, which may be secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The name of this service.
    pub service_name: String,
    /// Which share of the requests that no caller has decided about is traced: 0 to 1.
    pub ratio: f64,
}

/// Decides which requests are traced, and sends their spans.
#[derive(Debug)]
pub struct Traces {
    processor: BatchSpanProcessor,
    sampler: Sampler,
    scope: InstrumentationScope,
}

/// The trace that a request belongs to.
pub(crate) struct RequestTrace {
    pub(crate) id: TraceId,
    /// The span of the request, if it is sampled.
    pub(crate) span: Option<OpenSpan>,
}

impl Traces {
    /// Starts the thread that sends spans.
    ///
    /// # Panics
    /// If the operating system refuses a thread.
    #[must_use]
    pub fn start(options: TraceOptions) -> Arc<Self> {
        let ratio = options.ratio;
        tracing::info!(url = options.url, ratio, "sending traces");
        let processor = BatchSpanProcessor::builder(Exporter::new(options)).build();
        let scope =
            InstrumentationScope::builder("todo-api").with_version(env!("CARGO_PKG_VERSION"));
        let sampler = Sampler::TraceIdRatioBased(ratio);
        Arc::new(Self { processor, sampler, scope: scope.build() })
    }

    /// The trace of a request: the caller's, or a new one. `None` if it is new and not sampled.
    pub(crate) fn begin(self: &Arc<Self>, request: &ServiceRequest) -> Option<RequestTrace> {
        let parent = Parent::of(request.headers());
        let (id, is_sampled) = if let Some(parent) = &parent {
            (parent.trace_id, parent.is_sampled)
        } else {
            let id = RandomIdGenerator::default().new_trace_id();
            (id, self.samples(id))
        };
        if !is_sampled {
            return parent.map(|_| RequestTrace { id, span: None });
        }
        let span = OpenSpan::begin(self, request, id, parent);
        Some(RequestTrace { id, span: Some(span) })
    }

    fn samples(&self, id: TraceId) -> bool {
        let result = self.sampler.should_sample(None, id, "", &SpanKind::Server, &[], &[]);
        result.decision == SamplingDecision::RecordAndSample
    }

    /// Sends the spans that wait, for up to two seconds, and stops.
    pub fn stop(&self) {
        // What could not be sent is logged by the exporter and the processor.
        drop(self.processor.shutdown_with_timeout(FLUSH_TIMEOUT));
    }
}

#[cfg(test)]
mod tests;
