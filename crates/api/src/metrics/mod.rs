//! Metrics for Prometheus, on a listener of their own. Off unless `METRICS_ADDRESS` is set.
//!
//! Names and labels follow the OpenTelemetry conventions. All series have handles that are created once and then kept,
//! so that recording takes a few nanoseconds; no label depends on what clients send, so there are never more than a
//! fixed number of them (ADR 16).

mod keys;
mod listener;
mod requests;

use std::error::Error as StdError;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use prometheus_client::registry::Registry;

pub use requests::RequestMetrics;

/// How the causes of a 503 are named.
#[derive(Debug, Clone, Copy)]
pub struct Causes {
    /// All names.
    pub names: &'static [&'static str],
    /// The name of the cause that this error is; `None` if it is none of them.
    pub name: fn(&(dyn StdError + 'static)) -> Option<&'static str>,
}

/// The metrics of a server, and the socket on which they are served.
pub struct Metrics {
    listener: TcpListener,
    registry: Registry,
    requests: Arc<RequestMetrics>,
}

impl Metrics {
    /// Creates the metrics of a server that accepts so many connections. `causes` are those of its database.
    #[must_use]
    pub fn new(listener: TcpListener, max_connections: usize, causes: Causes) -> Self {
        let mut registry = Registry::default();
        let requests = Arc::new(RequestMetrics::register(&mut registry, max_connections, causes));
        Self { listener, registry, requests }
    }

    /// Where the database registers its own.
    pub fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// The address they are served on.
    ///
    /// # Errors
    /// If the operating system does not provide it.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub(crate) fn requests(&self) -> Arc<RequestMetrics> {
        Arc::clone(&self.requests)
    }
}
