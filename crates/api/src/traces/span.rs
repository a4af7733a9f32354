//! The span of a request, and those within it, by the OpenTelemetry conventions.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use opentelemetry::KeyValue;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanLinks, SpanProcessor,
};
use todo_domain::{Clock, SystemClock};

use super::Traces;
use super::parent::Parent;
use crate::http::envelope::logged_path;

tokio::task_local! {
    /// The request that the current task handles, if it is sampled.
    static CURRENT: Arc<RequestSpan>;
}

/// The request that the current task handles, if it is sampled.
#[must_use]
pub fn current() -> Option<Arc<RequestSpan>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// The span of a sampled request.
#[derive(Debug)]
pub struct RequestSpan {
    traces: Arc<Traces>,
    context: SpanContext,
    /// The caller's span, or [`SpanId::INVALID`].
    parent: SpanId,
    method: &'static str,
    path: String,
    started: Instant,
    /// The same by the system's clock. All other times are relative to it.
    started_at: SystemTime,
}

/// A span within a request.
#[derive(Debug)]
pub struct Child {
    /// Its name, of which there are few.
    pub name: Cow<'static, str>,
    /// Its role.
    pub kind: SpanKind,
    /// When it began.
    pub start: Instant,
    /// When it ended.
    pub end: Instant,
    /// What is known about it: nothing that a user wrote.
    pub attributes: Vec<KeyValue>,
    /// Whether it failed.
    pub is_error: bool,
}

impl RequestSpan {
    /// Adds a span to the request.
    pub fn add(&self, child: Child) {
        let Child { name, kind, start, end, attributes, is_error } = child;
        let context = &self.context;
        self.traces.processor.on_end(SpanData {
            span_context: SpanContext::new(
                context.trace_id(),
                RandomIdGenerator::default().new_span_id(),
                TraceFlags::SAMPLED,
                false,
                context.trace_state().clone(),
            ),
            parent_span_id: context.span_id(),
            parent_span_is_remote: false,
            span_kind: kind,
            name,
            start_time: self.at(start),
            end_time: self.at(end),
            status: status(is_error),
            ..self.data(attributes)
        });
    }

    /// A point in time by the system's clock.
    fn at(&self, time: Instant) -> SystemTime {
        match time.checked_duration_since(self.started) {
            Some(after) => self.started_at + after,
            None => self.started_at - self.started.duration_since(time),
        }
    }

    /// The span itself, until now.
    fn data(&self, attributes: Vec<KeyValue>) -> SpanData {
        SpanData {
            span_context: self.context.clone(),
            parent_span_id: self.parent,
            parent_span_is_remote: self.parent != SpanId::INVALID,
            span_kind: SpanKind::Server,
            name: Cow::Borrowed(self.method),
            start_time: self.started_at,
            end_time: self.at(Instant::now()),
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.traces.scope.clone(),
        }
    }
}

fn status(is_error: bool) -> Status {
    if is_error { Status::error("") } else { Status::Unset }
}

/// A sampled request that is being handled. Its span ends with the response, or when it is dropped: then it was
/// cancelled.
pub(crate) struct OpenSpan(Option<Arc<RequestSpan>>);

impl OpenSpan {
    pub(super) fn begin(
        traces: &Arc<Traces>,
        request: &ServiceRequest,
        trace_id: TraceId,
        parent: Option<Parent>,
    ) -> Self {
        let (parent, state) = parent
            .map_or((SpanId::INVALID, TraceState::NONE), |parent| (parent.span_id, parent.state));
        let id = RandomIdGenerator::default().new_span_id();
        Self(Some(Arc::new(RequestSpan {
            traces: Arc::clone(traces),
            context: SpanContext::new(trace_id, id, TraceFlags::SAMPLED, false, state),
            parent,
            method: known_method(request.method()),
            path: logged_path(request.request()),
            started: Instant::now(),
            started_at: SystemClock.now().into(),
        })))
    }

    /// Handles the request. What is [`add`](RequestSpan::add)ed in the meantime is within its span.
    pub(crate) async fn handle<F: Future>(&self, handler: F) -> F::Output {
        match &self.0 {
            Some(span) => CURRENT.scope(Arc::clone(span), handler).await,
            None => handler.await,
        }
    }

    /// Ends the span with its response.
    pub(crate) fn end<B>(mut self, response: &ServiceResponse<B>) {
        let Some(span) = self.0.take() else { return };
        let status_code = response.status();
        let is_error = status_code.is_server_error();
        let route = response.request().match_pattern();
        let mut attributes = span.attributes();
        attributes
            .push(KeyValue::new("http.response.status_code", i64::from(status_code.as_u16())));
        if is_error {
            attributes.push(KeyValue::new("error.type", status_code.as_str().to_owned()));
        }
        let mut data = span.data(attributes);
        if let Some(route) = route {
            data.name = format!("{} {route}", span.name()).into();
            data.attributes.push(KeyValue::new("http.route", route));
        } else {
            data.name = span.name().into();
        }
        data.status = status(is_error);
        span.traces.processor.on_end(data);
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        let Some(span) = self.0.take() else { return };
        let mut attributes = span.attributes();
        attributes.push(KeyValue::new("error.type", "cancelled"));
        let mut data = span.data(attributes);
        data.name = span.name().into();
        data.status = status(true);
        span.traces.processor.on_end(data);
    }
}

impl RequestSpan {
    fn attributes(&self) -> Vec<KeyValue> {
        vec![
            KeyValue::new("http.request.method", self.method),
            KeyValue::new("url.path", self.path.clone()),
        ]
    }

    /// What the name begins with.
    fn name(&self) -> &'static str {
        if self.method == OTHER { "HTTP" } else { self.method }
    }
}

/// What OpenTelemetry calls a method that is none of the usual ones.
const OTHER: &str = "_OTHER";

fn known_method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER)
}
