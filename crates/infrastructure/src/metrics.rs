//! The metrics of a database, by the OpenTelemetry conventions for database clients. No label depends on what clients
//! send.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::workers::{JobKind, QueueMetrics};

/// From below what a statement takes to above the largest `DATABASE_TIMEOUT` that is useful; in seconds.
const SECONDS: [f64; 15] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    30.0,
];

/// Up to the largest batch of the SQLite writer.
const BATCH_SIZES: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

const POOL: &str = "db_client_connection_pool_name";
const STATE: &str = "db_client_connection_state";

type Labels<const N: usize> = [(&'static str, &'static str); N];
type Histograms<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// The histograms of a database, by queue.
pub(crate) struct DatabaseMetrics {
    system: &'static str,
    waits: Histograms<1>,
    durations: Histograms<2>,
    batch_sizes: Histograms<2>,
}

impl DatabaseMetrics {
    /// Registers them. `system` is the name of the DBMS.
    pub(crate) fn register(system: &'static str, registry: &mut Registry) -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(SECONDS);
        let sizes: fn() -> Histogram = || Histogram::new(BATCH_SIZES);
        let metrics = Self {
            system,
            waits: Family::new_with_constructor(seconds),
            durations: Family::new_with_constructor(seconds),
            batch_sizes: Family::new_with_constructor(sizes),
        };
        registry.register(
            "db_client_connection_wait_time_seconds",
            "How long calls waited in the queue for a thread and its connection",
            metrics.waits.clone(),
        );
        registry.register(
            "db_client_operation_duration_seconds",
            "How long batches of calls took, with getting a connection",
            metrics.durations.clone(),
        );
        registry.register(
            "db_client_operation_batch_size",
            "How many calls shared a statement or a transaction",
            metrics.batch_sizes.clone(),
        );
        metrics
    }

    /// The histograms of the queue of a pool. `operations` are the names of the kinds of jobs.
    pub(crate) fn queue(
        &self,
        pool: &'static str,
        operations: [&'static str; JobKind::COUNT],
    ) -> QueueMetrics {
        let labels =
            |operation| [("db_system_name", self.system), ("db_operation_name", operation)];
        QueueMetrics {
            wait: self.waits.get_or_create_owned(&[(POOL, pool)]),
            duration: operations.map(|it| self.durations.get_or_create_owned(&labels(it))),
            batch_size: operations.map(|it| self.batch_sizes.get_or_create_owned(&labels(it))),
        }
    }
}

type Read<T> = Box<dyn Fn() -> T + Send + Sync>;

/// What is read when the metrics are collected, and only then.
#[derive(Default)]
pub(crate) struct Gauges {
    /// How many calls wait, by pool.
    pub(crate) queues: Vec<(&'static str, Read<usize>)>,
    /// The connections.
    pub(crate) pools: Vec<(&'static str, PoolGauges)>,
    /// The length of SQLite's write-ahead log, in bytes.
    pub(crate) wal_bytes: Option<Read<u64>>,
}

/// The gauges of a pool of connections.
pub(crate) struct PoolGauges {
    pub(crate) connections: Read<PoolConnections>,
    pub(crate) connect_errors: ConnectErrors,
}

/// How many connections a pool has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolConnections {
    pub(crate) idle: u32,
    pub(crate) used: u32,
    pub(crate) max: u32,
}

/// Counts failed attempts to connect. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectErrors(Arc<AtomicU64>);

impl ConnectErrors {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Gauges {
    /// Registers them for as long as the database is open: what is returned has to be kept.
    pub(crate) fn register(self, registry: &mut Registry) -> Arc<Self> {
        let gauges = Arc::new(self);
        registry.register_collector(Box::new(OfOpenDatabase(Arc::downgrade(&gauges))));
        gauges
    }

    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let name = "db_client_connection_pending_requests";
        let help = "Calls in the queue for a thread and its connection.";
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (pool, waiting) in &self.queues {
            metric.encode_family(&[(POOL, *pool)])?.encode_gauge(&waiting())?;
        }
        let connections: Vec<_> =
            self.pools.iter().map(|(pool, it)| (*pool, (it.connections)())).collect();
        let help = "Open connections.";
        let mut metric =
            encoder.encode_descriptor("db_client_connections", help, None, MetricType::Gauge)?;
        for (pool, it) in &connections {
            for (state, count) in [("idle", it.idle), ("used", it.used)] {
                metric.encode_family(&[(POOL, *pool), (STATE, state)])?.encode_gauge(&count)?;
            }
        }
        let help = "How many connections may be open.";
        let mut metric =
            encoder.encode_descriptor("db_client_connection_max", help, None, MetricType::Gauge)?;
        for (pool, it) in &connections {
            metric.encode_family(&[(POOL, *pool)])?.encode_gauge(&it.max)?;
        }
        let name = "db_client_connection_errors_total";
        let help = "Failed attempts to connect.";
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (pool, it) in &self.pools {
            // As a gauge, because a counter would get a second `_total`.
            let count = it.connect_errors.0.load(Ordering::Relaxed);
            metric.encode_family(&[(POOL, *pool)])?.encode_gauge(&count)?;
        }
        if let Some(wal_bytes) = &self.wal_bytes {
            let help = "The length of the write-ahead log.";
            encoder
                .encode_descriptor("sqlite_wal_size_bytes", help, None, MetricType::Gauge)?
                .encode_gauge(&wal_bytes())?;
        }
        Ok(())
    }
}

/// The gauges of a database; none after it has been closed. The registry must not keep its connections open.
struct OfOpenDatabase(Weak<Gauges>);

impl fmt::Debug for OfOpenDatabase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OfOpenDatabase")
    }
}

impl Collector for OfOpenDatabase {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        self.0.upgrade().map_or(Ok(()), |gauges| gauges.encode(encoder))
    }
}
