//! The options of a server.

use std::sync::Arc;
use std::time::Duration;

use governor::Quota;

use crate::identity::Authentication;
use crate::sandbox::faults::Faults;

/// The options of a server.
#[derive(Clone)]
pub struct ServerOptions {
    /// The number of threads; `None` means one per processor.
    pub workers: Option<usize>,
    /// The maximum number of open connections. Further clients wait to be accepted.
    pub max_connections: usize,
    /// The maximum number of event streams.
    pub max_streams: usize,
    /// How long an idle connection is kept open; zero closes it after each response.
    pub keep_alive: Duration,
    /// How long a request may wait for the database.
    pub database_timeout: Duration,
    /// The origins whose pages may call the API: `*` as the port allows any port, `*` alone any origin.
    pub cors_allowed_origins: Vec<String>,
    /// How long requests are still accepted after the stop signal, while the readiness check fails.
    pub shutdown_delay: Duration,
    /// How long accepted requests may take after that.
    pub shutdown_timeout: Duration,
    /// How callers are identified.
    pub authentication: Authentication,
    /// How many requests each user may send, if that is limited.
    pub rate_limit: Option<Quota>,
    /// The faults to inject, if this is a sandbox.
    pub sandbox: Option<Arc<Faults>>,
}
