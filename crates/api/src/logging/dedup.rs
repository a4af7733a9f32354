//! Deduplicates warnings and errors. The first of a kind is written immediately. While it repeats, it is only counted,
//! and one line per second reports the count. No event is lost without being counted.

use std::collections::HashMap;
use std::fmt::Debug;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// The maximum number of kinds that are tracked at a time. Beyond that, all events of one log statement are one kind.
const MAX_KINDS: usize = 100;

/// The field for the count in the reports.
const REPEATED_FIELD: &str = "repeated";

/// What the events of one kind have in common, besides the log statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Content {
    message: String,
    causes: Option<String>,
    method: Option<String>,
    status: Option<u64>,
    origin: Option<String>,
}

/// The events of a kind that were suppressed since the last report.
#[derive(Debug)]
struct Suppressed {
    level: Level,
    count: u64,
    /// The request id of the last one, so that at least one request can be traced.
    request_id: Option<String>,
    /// Its trace, if it is known.
    trace_id: Option<String>,
}

type Kinds = HashMap<(Identifier, Content), Suppressed>;

/// A layer that suppresses repeated events of the kinds logged in the last second or two. Clones share its state.
#[derive(Debug, Clone, Default)]
pub(super) struct Dedup(Arc<Mutex<Kinds>>);

impl Dedup {
    /// Reports the suppressed events. A kind that was not repeated is forgotten, so its next event is written again.
    pub(super) fn report(&self) {
        let mut reports = Vec::new();
        self.kinds().retain(|(_, content), suppressed| {
            let count = mem::take(&mut suppressed.count);
            if count > 0 {
                let ids = (suppressed.request_id.take(), suppressed.trace_id.take());
                reports.push((suppressed.level, count, content.clone(), ids));
            }
            count > 0
        });
        // Logged after the lock is released, because each report is an event that passes through this layer.
        for (level, repeated, content, (request_id, trace_id)) in reports {
            let Content { message, causes, method, status, origin } = content;
            if level == Level::ERROR {
                tracing::error!(
                    repeated,
                    request_id,
                    trace_id,
                    method,
                    status,
                    origin,
                    causes,
                    "{message}"
                );
            } else {
                tracing::warn!(
                    repeated,
                    request_id,
                    trace_id,
                    method,
                    status,
                    origin,
                    causes,
                    "{message}"
                );
            }
        }
    }

    /// Whether this event is the first of its kind; if not, counts it.
    fn is_first(&self, metadata: &Metadata<'_>, fields: Fields) -> bool {
        let Fields { content, request_id, trace_id } = fields;
        let mut kinds = self.kinds();
        let mut kind = (metadata.callsite(), content);
        if kinds.len() >= MAX_KINDS && !kinds.contains_key(&kind) {
            kind.1 = Content { message: "various others".to_owned(), ..Content::default() };
        }
        if let Some(suppressed) = kinds.get_mut(&kind) {
            suppressed.count += 1;
            suppressed.request_id = request_id;
            suppressed.trace_id = trace_id;
            return false;
        }
        let level = *metadata.level();
        kinds.insert(kind, Suppressed { level, count: 0, request_id: None, trace_id: None });
        true
    }

    fn kinds(&self) -> MutexGuard<'_, Kinds> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Dedup {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        // Less severe levels compare as greater.
        if *metadata.level() > Level::WARN || metadata.fields().field(REPEATED_FIELD).is_some() {
            return true;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.is_first(metadata, fields)
    }
}

/// The relevant fields of an event.
#[derive(Debug, Default)]
struct Fields {
    content: Content,
    request_id: Option<String>,
    trace_id: Option<String>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.content.message),
            "causes" | "error" => self.content.causes = Some(value.to_owned()),
            "method" => self.content.method = Some(value.to_owned()),
            "origin" => self.content.origin = Some(value.to_owned()),
            "request_id" => self.request_id = Some(value.to_owned()),
            "trace_id" => self.trace_id = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            self.content.status = Some(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if matches!(field.name(), "message" | "causes" | "error" | "method" | "trace_id") {
            self.record_str(field, &format!("{value:?}"));
        }
    }
}

#[cfg(test)]
mod tests;
