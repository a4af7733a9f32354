//! Warnings and errors that repeat: the first of a kind is written at once. While others like it follow, they are
//! counted, and once a second a line says how many there were. Nothing is lost without being counted.

use std::collections::HashMap;
use std::fmt::Debug;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// How many kinds are told apart at a time. Beyond, all that one statement logs is one kind.
const KINDS: usize = 100;

/// The field of the lines that report what was suppressed.
const REPEATED: &str = "repeated";

/// Events of one kind are logged by the same statement, and have all of this in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Text {
    message: String,
    causes: Option<String>,
    method: Option<String>,
    status: Option<u64>,
    origin: Option<String>,
}

/// What was not written since the last report.
#[derive(Debug)]
struct Suppressed {
    level: Level,
    count: u64,
    /// Of the last of them, so that one answer at least can be followed.
    request_id: Option<String>,
}

type Kinds = HashMap<(Identifier, Text), Suppressed>;

/// The kinds that were logged in the last second or two. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Repeats(Arc<Mutex<Kinds>>);

impl Repeats {
    /// Reports what was suppressed. A kind of which there was nothing is written again.
    pub(super) fn report(&self) {
        let mut reports = Vec::new();
        self.kinds().retain(|(_, text), suppressed| {
            let count = mem::take(&mut suppressed.count);
            if count > 0 {
                let request_id = suppressed.request_id.take();
                reports.push((suppressed.level, count, text.clone(), request_id));
            }
            count > 0
        });
        // Not while the lock is held: each comes past here as an event of its own.
        for (level, repeated, text, request_id) in reports {
            let Text { message, causes, method, status, origin } = text;
            if level == Level::ERROR {
                tracing::error!(repeated, request_id, method, status, origin, causes, "{message}");
            } else {
                tracing::warn!(repeated, request_id, method, status, origin, causes, "{message}");
            }
        }
    }

    /// Whether this is the first of its kind; else it is counted.
    fn is_first(&self, metadata: &Metadata<'_>, Fields { text, request_id }: Fields) -> bool {
        let mut kinds = self.kinds();
        let mut kind = (metadata.callsite(), text);
        if kinds.len() >= KINDS && !kinds.contains_key(&kind) {
            kind.1 = Text { message: "various others".to_owned(), ..Text::default() };
        }
        if let Some(suppressed) = kinds.get_mut(&kind) {
            suppressed.count += 1;
            suppressed.request_id = request_id;
            return false;
        }
        let level = *metadata.level();
        kinds.insert(kind, Suppressed { level, count: 0, request_id: None });
        true
    }

    fn kinds(&self) -> MutexGuard<'_, Kinds> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Repeats {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        // A level is the greater, the less it matters.
        if *metadata.level() > Level::WARN || metadata.fields().field(REPEATED).is_some() {
            return true;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.is_first(metadata, fields)
    }
}

/// What is of interest in an event.
#[derive(Debug, Default)]
struct Fields {
    text: Text,
    request_id: Option<String>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.text.message),
            "causes" | "error" => self.text.causes = Some(value.to_owned()),
            "method" => self.text.method = Some(value.to_owned()),
            "origin" => self.text.origin = Some(value.to_owned()),
            "request_id" => self.request_id = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            self.text.status = Some(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if matches!(field.name(), "message" | "causes" | "error" | "method") {
            self.record_str(field, &format!("{value:?}"));
        }
    }
}

#[cfg(test)]
mod tests;
