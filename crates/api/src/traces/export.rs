//! Sends spans to a collector, by the OpenTelemetry protocol over HTTP.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message;
use ureq::Agent;
use ureq::http::header::CONTENT_TYPE;
use ureq::http::{HeaderMap, HeaderValue};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use super::TraceOptions;

/// How long a request to the collector may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum length of a response that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Sends spans. Blocks: it is only called by the thread of the SDK.
pub(super) struct Exporter {
    agent: Agent,
    url: String,
    headers: HeaderMap,
    resource: ResourceAttributesWithSchema,
    /// How many spans were lost since spans were last sent.
    lost: AtomicU64,
}

impl Exporter {
    /// An exporter, which does not connect before it has spans.
    pub(super) fn new(options: TraceOptions) -> Self {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::NativeTls)
            .root_certs(RootCerts::PlatformVerifier);
        let agent = Agent::config_builder()
            .tls_config(tls.build())
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            // The header fields may be secret.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("todo-api/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let mut headers = HeaderMap::from_iter(options.headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        // With OTEL_RESOURCE_ATTRIBUTES.
        let resource = Resource::builder()
            .with_service_name(options.service_name)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let resource = ResourceAttributesWithSchema::from(&resource);
        Self { agent, url: options.url, headers, resource, lost: AtomicU64::new(0) }
    }

    fn send(&self, batch: Vec<SpanData>) -> Result<(), String> {
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let mut request = self.agent.post(&self.url);
        if let Some(headers) = request.headers_mut() {
            headers.clone_from(&self.headers);
        }
        let response = request.send(body).map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        if !head.status.is_success() {
            return Err(format!("the response has the status {}", head.status.as_u16()));
        }
        let body = body.into_with_config().limit(MAX_BYTES).read_to_vec();
        let response = body.ok().and_then(|it| ExportTraceServiceResponse::decode(&*it).ok());
        match response.and_then(|it| it.partial_success).map_or(0, |it| it.rejected_spans) {
            0 => Ok(()),
            rejected => Err(format!("the collector has rejected {rejected} of them")),
        }
    }
}

impl SpanExporter for Exporter {
    /// Always succeeds: the SDK would log each failure.
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        match self.send(batch) {
            Ok(()) => {
                let lost = self.lost.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    tracing::info!(url = self.url, lost, "spans are sent again");
                }
            }
            Err(problem) => {
                if self.lost.fetch_add(count, Ordering::Relaxed) == 0 {
                    tracing::warn!(url = self.url, problem, "spans cannot be sent, and are lost");
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Exporter {
    /// Without the header fields.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Exporter").field("url", &self.url).finish_non_exhaustive()
    }
}
