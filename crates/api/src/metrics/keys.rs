//! The metrics of the key set that tokens are verified with.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use super::Metrics;
use crate::identity::Authentication;
use crate::identity::verifier::Verifier;

impl Metrics {
    /// Adds those of the key set, if it is fetched.
    pub fn add_key_set(&mut self, authentication: &Authentication) {
        if let Authentication::Jwt(verifier) = authentication
            && verifier.freshness().is_some()
        {
            self.registry.register_collector(Box::new(KeySetGauges(Arc::clone(verifier))));
        }
    }
}

/// Read when the metrics are collected, and only then.
struct KeySetGauges(Arc<Verifier>);

impl fmt::Debug for KeySetGauges {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeySetGauges")
    }
}

impl Collector for KeySetGauges {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let Some(freshness) = self.0.freshness() else { return Ok(()) };
        let mut gauge = |name, help, value: f64| {
            encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
        };
        if let Some(age) = freshness.age {
            let help = "How long ago the key set was fetched.";
            gauge("jwt_key_set_age_seconds", help, age.as_secs_f64())?;
        }
        let max_age = freshness.max_age.as_secs_f64();
        gauge("jwt_key_set_max_age_seconds", "How old the key set may become.", max_age)?;
        let help = "How often fetching the key set has failed since it last succeeded.";
        gauge("jwt_key_set_failed_fetches", help, freshness.failures.into())
    }
}
