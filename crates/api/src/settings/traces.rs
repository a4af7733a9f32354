//! The settings of traces, named as by OpenTelemetry.

use clap::Args;
use percent_encoding::percent_decode_str;
use ureq::http::{HeaderName, HeaderValue, Uri};

use crate::traces::TraceOptions;

/// The settings of traces.
#[derive(Debug, Clone, Args)]
pub struct TraceSettings {
    /// The OpenTelemetry collector to send traces to, by OTLP over HTTP, such as `http://127.0.0.1:4318`; without it there
    /// are none. `/v1/traces` is appended.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", global = true, hide_env_values = true)]
    pub otel_exporter_otlp_endpoint: Option<String>,

    /// The same, but the complete URL.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", global = true, hide_env_values = true)]
    pub otel_exporter_otlp_traces_endpoint: Option<String>,

    /// Headers for the collector, which may be secret: name=value, separated by commas, with percent-encoded values.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_HEADERS", global = true, hide_env_values = true)]
    pub otel_exporter_otlp_headers: Option<String>,

    /// The name of this service in traces.
    #[arg(long, env = "OTEL_SERVICE_NAME", global = true, default_value = "todo-api", value_parser = name, hide_env_values = true)]
    pub otel_service_name: String,

    /// Which share of the requests is traced, 0 to 1. Requests with traceparent are traced if their caller traces them.
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", global = true, default_value = "1", value_parser = ratio, hide_env_values = true)]
    pub otel_traces_sampler_arg: f64,
}

impl TraceSettings {
    /// The options of traces; `None` if they are off.
    ///
    /// # Errors
    /// A one-line message about the settings, without any secret.
    pub fn options(&self) -> Result<Option<TraceOptions>, String> {
        let headers = self.headers()?;
        let base =
            endpoint("OTEL_EXPORTER_OTLP_ENDPOINT", self.otel_exporter_otlp_endpoint.as_deref())?;
        let traces = endpoint(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            self.otel_exporter_otlp_traces_endpoint.as_deref(),
        )?;
        let url = match (traces, base) {
            (Some(url), _) => url.to_owned(),
            (None, Some(url)) => format!("{}/v1/traces", url.trim_end_matches('/')),
            (None, None) => return Ok(None),
        };
        let service_name = self.otel_service_name.clone();
        Ok(Some(TraceOptions { url, headers, service_name, ratio: self.otel_traces_sampler_arg }))
    }

    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
        let Some(text) = &self.otel_exporter_otlp_headers else { return Ok(Vec::new()) };
        let headers: Option<_> = text.split(',').map(header).collect();
        headers.ok_or_else(|| {
            "OTEL_EXPORTER_OTLP_HEADERS: must be name=value, separated by commas, with percent-encoded values"
                .to_owned()
        })
    }
}

fn header(text: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = text.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    let mut value: HeaderValue = value.parse().ok()?;
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}

fn endpoint<'a>(name: &str, url: Option<&'a str>) -> Result<Option<&'a str>, String> {
    let Some(url) = url else { return Ok(None) };
    let uri: Option<Uri> = url.parse().ok();
    let is_http = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(|it| !it.as_str().contains('@'))
            && uri.query().is_none()
    };
    if uri.as_ref().is_some_and(is_http) {
        Ok(Some(url))
    } else {
        Err(format!(
            "{name}: must be a URL such as http://127.0.0.1:4318, without user name, password and query"
        ))
    }
}

fn name(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("must not be empty") } else { Ok(text.to_owned()) }
}

fn ratio(text: &str) -> Result<f64, &'static str> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or("must be a number from 0 to 1")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::settings::Cli;

    fn options(flags: &[&str]) -> Result<Option<TraceOptions>, String> {
        let cli = Cli::try_parse_from(["todo-api"].iter().chain(flags)).unwrap();
        cli.settings.traces.options()
    }

    fn url(flags: &[&str]) -> Option<String> {
        options(flags).unwrap().map(|options| options.url)
    }

    #[test]
    fn the_path_is_appended_to_the_common_endpoint_only() {
        const BASE: &str = "--otel-exporter-otlp-endpoint=http://collector:4318";
        const FULL: &str = "--otel-exporter-otlp-traces-endpoint=https://traces.example/in";
        assert_eq!(url(&[]), None);
        assert_eq!(url(&[BASE]).unwrap(), "http://collector:4318/v1/traces");
        assert_eq!(
            url(&[&format!("{BASE}/otlp/")]).unwrap(),
            "http://collector:4318/otlp/v1/traces"
        );
        assert_eq!(url(&[FULL, BASE]).unwrap(), "https://traces.example/in");
    }

    #[test]
    fn headers_are_decoded_and_never_shown() {
        let endpoint = "--otel-exporter-otlp-endpoint=http://127.0.0.1:4318";
        let headers = "--otel-exporter-otlp-headers=authorization=Bearer%20geheim, X-Tenant = a";
        let options = options(&[endpoint, headers]).unwrap().unwrap();
        let values: Vec<_> = options
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(values, [("authorization", "Bearer geheim"), ("x-tenant", "a")]);
        assert!(!format!("{options:?}").contains("geheim"));
    }
}
