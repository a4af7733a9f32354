//! Fault injection: a layer inside CORS, so that pages may read the failures and preflights have none.

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

use super::header::{Asked, error};
use super::latency::Latency;
use super::options::SandboxOptions;
use super::random::Random;

/// Below this path requests have faults by rate.
const API: &str = "/api/v1/";

/// Which faults are injected.
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
    loses_answer: bool,
}

impl Faults {
    /// Those that the flags ask for.
    #[must_use]
    pub fn new(options: &SandboxOptions) -> Self {
        let SandboxOptions { latency, fail_rate, lose_answers, seed } = *options;
        let seed = seed.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0);
        Self { latency, fail_rate, lose_answers, seed, random: Random::new(seed) }
    }

    /// Passes the request on with its faults: those that it asks for by `X-Sandbox`, else those that chance, and the
    /// flags, give it.
    ///
    /// # Errors
    /// None of its own.
    pub async fn inject(
        &self,
        request: ServiceRequest,
        next: Next<BoxBody>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let fault = match Asked::of(request.headers()) {
            Ok(Some(asked)) => self.asked(&asked),
            Ok(None) if request.path().starts_with(API) => self.draw(),
            Ok(None) => Fault::default(),
            Err(problem) => return Ok(request.error_response(problem)),
        };
        if fault.latency > Duration::ZERO {
            sleep(fault.latency).await;
        }
        let answer = match fault.status {
            Some(status) => request.error_response(error(status)),
            None => next.call(request).await?,
        };
        Ok(if fault.loses_answer { lose(answer) } else { answer })
    }

    fn asked(&self, asked: &Asked) -> Fault {
        let Asked { status, latency, loses_answer } = *asked;
        let latency = latency.map(|it| it.draw(&self.random)).unwrap_or_default();
        Fault { latency, status, loses_answer }
    }

    /// Always three numbers, so that with the same seed one flag does not change what another one hits.
    fn draw(&self) -> Fault {
        let latency = self.latency.unwrap_or_default().draw(&self.random);
        let status = (self.random.fraction() < self.fail_rate).then_some(503);
        let loses_answer = self.random.fraction() < self.lose_answers;
        Fault { latency, status, loses_answer }
    }

    /// The flags by which these faults can be had again; none when there are no faults.
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

/// In place of an answer, one that cuts the connection. The server below asks for the body before it writes the head,
/// and writes nothing when there is none to be had.
fn lose(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let (method, status) = (answer.request().method(), answer.status().as_u16());
    let path = answer.request().path();
    tracing::info!(%method, path, status, "the sandbox loses this answer");
    let cut = Err::<Bytes, _>(IoError::new(ErrorKind::ConnectionAborted, "lost by the sandbox"));
    let lost = HttpResponse::Ok().streaming(stream::once(future::ready(cut)));
    answer.into_response(lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(fail_rate: f64, lose_answers: f64, seed: u64) -> Faults {
        let latency = "1s..2s".parse().ok();
        Faults::new(&SandboxOptions { latency, fail_rate, lose_answers, seed: Some(seed) })
    }

    #[test]
    fn a_rate_is_the_share_of_requests_that_have_the_fault() {
        let faults = faults(0.25, 0.05, 1);
        let drawn: Vec<_> = (0..10_000).map(|_| faults.draw()).collect();
        let failed = drawn.iter().filter(|it| it.status == Some(503)).count();
        assert!((2_200..2_800).contains(&failed), "{failed}");
        let lost = drawn.iter().filter(|it| it.loses_answer).count();
        assert!((350..650).contains(&lost), "{lost}");
    }

    #[test]
    fn a_rate_of_0_is_never_and_of_1_is_always() {
        let (never, always) = (faults(0.0, 0.0, 1), faults(1.0, 1.0, 1));
        for _ in 0..1_000 {
            let fault = never.draw();
            assert_eq!((fault.status, fault.loses_answer), (None, false));
            let fault = always.draw();
            assert_eq!((fault.status, fault.loses_answer), (Some(503), true));
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_faults() {
        let draw = |seed| {
            let faults = faults(0.5, 0.5, seed);
            (0..100).map(|_| faults.draw()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn faults_are_shown_as_the_flags_that_make_them() {
        let flags = faults(0.05, 0.0, 9).flags();
        assert_eq!(flags, ["--latency 1s..2s", "--fail-rate 0.05", "--seed 9"]);
        assert!(Faults::new(&SandboxOptions::default()).flags().is_empty());
    }
}
