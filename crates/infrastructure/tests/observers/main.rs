//! What a database tells about itself: metrics, and the calls of traced requests.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is a failure")]

#[path = "../common/mod.rs"]
mod common;
mod metrics;
mod traces;

use std::thread;
use std::time::{Duration, Instant};

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use todo_infrastructure::Observers;

/// Only ends a hang.
pub(crate) const HANG_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) fn observers(registry: &mut Registry) -> Observers<'_> {
    Observers { registry: Some(registry), tracer: None }
}

pub(crate) fn text(registry: &Registry) -> String {
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    text
}

/// The value of the series whose name and labels begin so; `None` if there is none.
pub(crate) fn value(registry: &Registry, prefix: &str) -> Option<f64> {
    let text = text(registry);
    let line = text.lines().find(|line| line.starts_with(prefix))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

/// The series of a metric of a pool.
pub(crate) fn pool(metric: &str, pool: &str) -> String {
    format!("db_client_connection_{metric}{{db_client_connection_pool_name=\"{pool}\"}}")
}

/// Waits until the value is at least this. A thread of the database records after it has replied.
#[track_caller]
pub(crate) fn wait_for(registry: &Registry, prefix: &str, at_least: f64) {
    let start = Instant::now();
    while value(registry, prefix).is_none_or(|value| value < at_least) {
        assert!(start.elapsed() < HANG_TIMEOUT, "{prefix}: {}", text(registry));
        thread::sleep(Duration::from_millis(5));
    }
}
