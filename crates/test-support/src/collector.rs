//! An OpenTelemetry collector, which decodes the spans that it is sent, and can fail in some ways.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self, span::SpanKind};
use prost::Message;

use crate::clients::http::HANG_TIMEOUT;

/// A span that a collector has received.
#[derive(Debug, Clone)]
pub struct Span {
    /// Its name.
    pub name: String,
    /// The trace, in hexadecimal digits, as all ids.
    pub trace_id: String,
    /// Its own id.
    pub id: String,
    /// The id of its parent; empty if it has none.
    pub parent_id: String,
    /// The value of `tracestate`.
    pub trace_state: String,
    /// Its role.
    pub kind: SpanKind,
    /// When it began, in nanoseconds since 1970.
    pub start: u64,
    /// When it ended.
    pub end: u64,
    /// Whether it failed.
    pub is_error: bool,
    /// Its attributes and those of its resource.
    pub attributes: BTreeMap<String, String>,
}

impl Span {
    /// The value of an attribute; empty if it has none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// What a collector does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behaviour {
    /// It takes the spans.
    #[default]
    Accepts,
    /// It answers with this status.
    Fails(u16),
    /// It does not answer until it does something else, and then closes the connection.
    Hangs,
}

/// A running collector. It stops on drop.
#[derive(Debug)]
pub struct Collector {
    shared: Arc<Shared>,
    port: u16,
}

#[derive(Debug, Default)]
struct Shared {
    behaviour: Mutex<Behaviour>,
    /// The heads of the requests.
    heads: Mutex<Vec<String>>,
    spans: Mutex<Vec<Span>>,
    is_stopped: AtomicBool,
}

impl Collector {
    /// Starts a collector on a free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared::default());
        let collector = Self { shared: Arc::clone(&shared), port };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.is_stopped.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                // What becomes of a connection only the client can tell.
                thread::spawn(move || drop(serve(&stream, &shared)));
            }
        });
        collector
    }

    /// Its URL, as the setting `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Changes what it does with requests.
    pub fn behave(&self, behaviour: Behaviour) {
        *lock(&self.shared.behaviour) = behaviour;
    }

    /// The heads of the requests so far.
    #[must_use]
    pub fn heads(&self) -> Vec<String> {
        lock(&self.shared.heads).clone()
    }

    /// The spans that it has accepted so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.shared.spans).clone()
    }

    /// The spans of a trace, once there are this many.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "a test may only wait for them")]
    pub fn trace(&self, trace_id: &str, count: usize) -> Vec<Span> {
        let start = Instant::now();
        loop {
            let mut spans = self.spans();
            spans.retain(|span| span.trace_id == trace_id);
            if spans.len() >= count {
                return spans;
            }
            assert!(start.elapsed() < HANG_TIMEOUT, "{count} spans of {trace_id}: {spans:#?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it has received a request, whatever it does with that.
    #[track_caller]
    pub fn wait_for_request(&self) {
        let start = Instant::now();
        while self.heads().is_empty() {
            assert!(start.elapsed() < HANG_TIMEOUT, "there was no request");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Relaxed);
        // Wakes the thread.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

/// Answers the requests of a connection.
fn serve(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        let mut body = vec![0; length.unwrap_or_default()];
        reader.read_exact(&mut body)?;
        lock(&shared.heads).push(head);
        let behaviour = *lock(&shared.behaviour);
        let status = match behaviour {
            Behaviour::Accepts => 200,
            Behaviour::Fails(status) => status,
            Behaviour::Hangs => {
                while *lock(&shared.behaviour) == Behaviour::Hangs
                    && !shared.is_stopped.load(Ordering::Relaxed)
                {
                    thread::sleep(Duration::from_millis(5));
                }
                return Ok(());
            }
        };
        if behaviour == Behaviour::Accepts {
            let request = ExportTraceServiceRequest::decode(&*body);
            let request = request.map_err(std::io::Error::other)?;
            lock(&shared.spans).extend(decode(request));
        }
        let mut stream = stream;
        write!(stream, "HTTP/1.1 {status} Status\r\nContent-Length: 0\r\n\r\n")?;
    }
}

fn decode(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = of_resource.resource.map(|it| attributes(it.attributes)).unwrap_or_default();
        for span in of_resource.scope_spans.into_iter().flat_map(|it| it.spans) {
            let mut all = resource.clone();
            all.extend(attributes(span.attributes.clone()));
            spans.push(Span { attributes: all, ..of(span) });
        }
    }
    spans
}

fn of(span: v1::Span) -> Span {
    let kind = span.kind();
    Span {
        trace_id: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent_id: hex(&span.parent_span_id),
        trace_state: span.trace_state,
        kind,
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        is_error: span.status.is_some_and(|it| it.code() == StatusCode::Error),
        attributes: BTreeMap::new(),
        name: span.name,
    }
}

fn attributes(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value| match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|it| (it.key, text(it.value.and_then(|it| it.value)))).collect()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
