//! The metrics of requests and connections.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Causes;
use crate::error::ApiError;
use crate::health::ShuttingDown;
use crate::shutdown::Connections;
use crate::todos::stream_limit::TooManyStreams;

/// The patterns of the routes; the last is for requests that match none.
const ROUTES: [&str; 18] = [
    "/api/v1/todos/{todo_id}",
    "/api/v1/todos",
    "/api/v1/todos/stats",
    "/api/v1/todos/changes",
    "/api/v1/todos/events",
    "/api/v1/tags",
    "/api/v1/tags/{name}",
    "/api/v1/me",
    "/health",
    "/health/ready",
    "/",
    "/favicon.ico",
    "/openapi.json",
    "/docs",
    "/docs/{file:.*}",
    "/demo",
    "/demo/{file:.*}",
    "unmatched",
];

/// The methods; the last is for any other, and is so named by OpenTelemetry.
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "_OTHER"];

/// The statuses; the last is for any other.
const STATUSES: [&str; 20] = [
    "200", "201", "204", "304", "307", "400", "401", "404", "405", "408", "409", "410", "412",
    "413", "415", "422", "429", "500", "503", "other",
];

/// In seconds.
const DURATIONS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0];

/// The causes of a 503 that are not the database's.
const SHUTTING_DOWN: &str = "shutting_down";
const TOO_MANY_STREAMS: &str = "too_many_streams";
const NO_KEYS: &str = "no_keys";
const OTHER: &str = "other";

type Labels = [(&'static str, &'static str); 3];

/// What is recorded about requests.
pub struct RequestMetrics {
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    /// The handles of `durations` by route, method and status, each created when it is first used.
    handles: Box<[OnceLock<Histogram>]>,
    shared: Arc<Shared>,
    causes: Causes,
}

/// What is read when the metrics are collected.
struct Shared {
    connections: Connections,
    streams: Connections,
    max_connections: usize,
    /// The 503s, by cause.
    unavailable: Vec<(&'static str, AtomicU64)>,
}

impl RequestMetrics {
    pub(super) fn register(
        registry: &mut Registry,
        max_connections: usize,
        causes: Causes,
    ) -> Self {
        let constructor: fn() -> Histogram = || Histogram::new(DURATIONS);
        let durations = Family::new_with_constructor(constructor);
        registry.register(
            "http_server_request_duration_seconds",
            "How long requests took until the response, or its first part, was ready",
            durations.clone(),
        );
        let names = causes.names.iter().chain(&[TOO_MANY_STREAMS, SHUTTING_DOWN, NO_KEYS, OTHER]);
        let shared = Arc::new(Shared {
            connections: Connections::default(),
            streams: Connections::default(),
            max_connections,
            unavailable: names.map(|name| (*name, AtomicU64::new(0))).collect(),
        });
        registry.register_collector(Box::new(Arc::clone(&shared)));
        let count = ROUTES.len() * METHODS.len() * STATUSES.len();
        let handles = std::iter::repeat_with(OnceLock::new).take(count).collect();
        Self { durations, handles, shared, causes }
    }

    /// The count of the server's open connections.
    pub(crate) fn connections(&self) -> Connections {
        self.shared.connections.clone()
    }

    /// The count of the open event streams.
    pub(crate) fn streams(&self) -> Connections {
        self.shared.streams.clone()
    }

    /// Records a request by its response.
    pub(crate) fn record<B>(&self, response: &ServiceResponse<B>, started: Instant) {
        let request = response.request();
        let status = response.status();
        let route = request.match_pattern();
        let route = index(&ROUTES, route.as_deref().unwrap_or_default());
        let method = index(&METHODS, request.method().as_str());
        let code = index(&STATUSES, status.as_str());
        let histogram = self.handles[(route * METHODS.len() + method) * STATUSES.len() + code]
            .get_or_init(|| {
                self.durations.get_or_create_owned(&[
                    ("http_route", ROUTES[route]),
                    ("http_request_method", METHODS[method]),
                    ("http_response_status_code", STATUSES[code]),
                ])
            });
        histogram.observe(started.elapsed().as_secs_f64());
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let error = response.response().error().and_then(actix_web::Error::as_error);
            self.count_unavailable(error);
        }
    }

    fn count_unavailable(&self, error: Option<&ApiError>) {
        let cause = match error {
            Some(ApiError::Unavailable(source)) if source.is::<ShuttingDown>() => SHUTTING_DOWN,
            Some(ApiError::Unavailable(source)) if source.is::<TooManyStreams>() => {
                TOO_MANY_STREAMS
            }
            Some(ApiError::Unavailable(source)) => (self.causes.name)(&**source).unwrap_or(OTHER),
            Some(ApiError::KeysUnavailable { .. }) => NO_KEYS,
            _ => OTHER,
        };
        let counters = &self.shared.unavailable;
        if let Some((_, count)) =
            counters.iter().find(|(name, _)| *name == cause).or(counters.last())
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The position of a name, or of the last one, which stands for all others.
fn index(names: &[&str], name: &str) -> usize {
    names.iter().position(|it| *it == name).unwrap_or(names.len() - 1)
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Shared")
    }
}

impl Collector for Shared {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let gauges = [
            ("http_server_open_connections", "Open connections.", self.connections.count()),
            (
                "http_server_max_connections",
                "How many connections may be open.",
                self.max_connections,
            ),
            ("http_server_open_streams", "Open event streams.", self.streams.count()),
        ];
        for (name, help, value) in gauges {
            encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)?;
        }
        let name = "http_server_unavailable_responses_total";
        let help = "Responses with status 503, by cause.";
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (cause, count) in &self.unavailable {
            // As a gauge, because a counter would get a second `_total`.
            let count = count.load(Ordering::Relaxed);
            metric.encode_family(&[("error_type", *cause)])?.encode_gauge(&count)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
