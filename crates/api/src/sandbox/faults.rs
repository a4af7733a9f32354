//! Fault injection: middleware inside CORS, so that pages can read failures, and preflight requests never fail.

use std::io::{Error as IoError, ErrorKind};
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpResponse};
use futures_util::{future, stream};
use tokio::time::sleep;
use uuid::Uuid;

use super::header::{FaultRequest, error};
use super::latency::Latency;
use super::options::SandboxOptions;
use super::random::Random;

/// The path below which requests have random faults.
const API: &str = "/api/v1/";

/// The faults to inject.
#[derive(Debug)]
pub struct Faults {
    latency: Option<Latency>,
    fail_rate: f64,
    lose_answers: f64,
    seed: u64,
    random: Random,
}

/// The faults of one request.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fault {
    latency: Duration,
    status: Option<u16>,
    loses_response: bool,
}

impl Faults {
    /// Creates the faults that the flags request.
    #[must_use]
    pub fn new(options: &SandboxOptions) -> Self {
        let SandboxOptions { latency, fail_rate, lose_answers, seed } = *options;
        let seed = seed.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0);
        Self { latency, fail_rate, lose_answers, seed, random: Random::new(seed) }
    }

    /// Handles a request with its faults: those it requests by `X-Sandbox`, otherwise random ones at the configured
    /// rates.
    ///
    /// # Errors
    /// Only errors of the inner service.
    pub async fn inject(
        &self,
        request: ServiceRequest,
        next: Next<BoxBody>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let fault = match FaultRequest::from_headers(request.headers()) {
            Ok(Some(requested)) => self.requested(&requested),
            Ok(None) if request.path().starts_with(API) => self.draw(),
            Ok(None) => Fault::default(),
            Err(problem) => return Ok(request.error_response(problem)),
        };
        if fault.latency > Duration::ZERO {
            sleep(fault.latency).await;
        }
        let response = match fault.status {
            Some(status) => request.error_response(error(status)),
            None => next.call(request).await?,
        };
        Ok(if fault.loses_response { lose(response) } else { response })
    }

    fn requested(&self, requested: &FaultRequest) -> Fault {
        let FaultRequest { status, latency, loses_response } = *requested;
        let latency = latency.map(|it| it.draw(&self.random)).unwrap_or_default();
        Fault { latency, status, loses_response }
    }

    /// Draws random faults. It always draws three numbers, so that with the same seed, changing one flag does not
    /// change which requests the others affect.
    fn draw(&self) -> Fault {
        let latency = self.latency.unwrap_or_default().draw(&self.random);
        let status = (self.random.fraction() < self.fail_rate).then_some(503);
        let loses_response = self.random.fraction() < self.lose_answers;
        Fault { latency, status, loses_response }
    }

    /// The flags that reproduce these faults; empty if there are none.
    pub(super) fn flags(&self) -> Vec<String> {
        let latency = self.latency.map(|it| format!("--latency {it}"));
        let rate = |flag, rate: f64| (rate > 0.0).then(|| format!("--{flag} {rate}"));
        let flags =
            [latency, rate("fail-rate", self.fail_rate), rate("lose-answers", self.lose_answers)];
        let mut flags: Vec<_> = flags.into_iter().flatten().collect();
        if !flags.is_empty() {
            flags.push(format!("--seed {}", self.seed));
        }
        flags
    }
}

/// Replaces a response by one that closes the connection. actix-http polls the body before it writes the head, and
/// writes nothing if the body fails.
fn lose(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let (method, status) = (response.request().method(), response.status().as_u16());
    let path = response.request().path();
    tracing::info!(%method, path, status, "the sandbox drops this response");
    let error = IoError::new(ErrorKind::ConnectionAborted, "dropped by the sandbox");
    let body = stream::once(future::ready(Err::<Bytes, _>(error)));
    response.into_response(HttpResponse::Ok().streaming(body))
}

#[cfg(test)]
mod tests;
