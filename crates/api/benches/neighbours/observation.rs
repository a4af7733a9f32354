//! One run of one scenario: the other users alone, and then during the disturbance.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use todo_test_support::clients::load::Outcome;

use crate::clients::Calls;
use crate::common::binaries::Binary;
use crate::common::load::Sample;
use crate::environment::{Environment, OTHERS};
use crate::scenario::Scenario;

/// The results of the other users and of the disturbing user. Users whose partition is locked do not count as other
/// users.
#[derive(Debug, Clone)]
pub(crate) struct Observation {
    pub(crate) alone: Throughput,
    pub(crate) during: Throughput,
    /// Calls that did not succeed: sent before the disturbance, in its first second, and later.
    pub(crate) lost_alone: usize,
    pub(crate) lost_first: usize,
    pub(crate) lost_later: usize,
    /// The outcomes of the disturbing user's calls or, if there is no such user, of the calls on the locked partition.
    pub(crate) disturbing: BTreeMap<Outcome, usize>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Throughput {
    /// Successful responses.
    pub(crate) per_second: f64,
    /// The 99th percentile of the latencies of all responses, in milliseconds.
    pub(crate) p99: f64,
}

/// The time for opening connections and preparing statements, before the measurement.
const WARM_UP: Duration = Duration::from_millis(500);

/// The time from the start of the disturbance to its measurement.
const SETTLE: Duration = Duration::from_secs(2);

/// A pending call that is older than this is lost.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs a scenario against a new server: for `time` without, and for `time` with the disturbance.
pub(crate) fn observe(
    environment: &Environment,
    binary: &Binary,
    scenario: Scenario,
    time: Duration,
) -> Observation {
    let (part, frozen) = environment.fullest_partition().unwrap_or_default();
    environment.clean_up();
    let server = environment.serve(binary);
    let session = environment.session();
    let users: Vec<u64> = OTHERS.collect();
    let others = Calls::Mix.start(server.port(), WARM_UP + time + SETTLE + time, &users);
    let start = others.start;
    thread::sleep((start + WARM_UP + time).saturating_duration_since(Instant::now()));
    let disturbed = start.elapsed();
    let disturbance = scenario.start(&server, SETTLE + time, session, &part);
    let samples = others.wait();
    let disturbing = disturbance.end();

    let (affected, unaffected): (Vec<_>, Vec<_>) =
        samples.into_iter().partition(|it| frozen.contains(&it.user));
    let lost = |from: Duration, to: Duration| {
        unaffected.iter().filter(|it| (from..to).contains(&it.sent) && is_lost(it)).count()
    };
    // A call that is pending when the disturbance begins is affected, too.
    let just_before = disturbed.saturating_sub(CLIENT_TIMEOUT);
    let first_second_ends = disturbed + Duration::from_secs(1);
    let disturbing_calls =
        disturbing.iter().chain(affected.iter().filter(|it| it.completed >= disturbed));
    let mut outcomes = BTreeMap::new();
    for sample in disturbing_calls {
        *outcomes.entry(sample.outcome).or_default() += 1;
    }
    Observation {
        alone: throughput(&unaffected, WARM_UP, disturbed),
        during: throughput(&unaffected, disturbed + SETTLE, disturbed + SETTLE + time),
        lost_alone: lost(Duration::ZERO, just_before),
        lost_first: lost(just_before, first_second_ends),
        lost_later: lost(first_second_ends, Duration::MAX),
        disturbing: outcomes,
    }
}

fn is_lost(sample: &Sample) -> bool {
    match sample.outcome {
        Outcome::Status(_) => !sample.is_success(),
        Outcome::Disconnected => true,
        Outcome::Pending => sample.latency() >= CLIENT_TIMEOUT,
    }
}

/// The throughput of the responses within a period.
fn throughput(samples: &[Sample], from: Duration, to: Duration) -> Throughput {
    let (mut latencies, mut successes) = (Vec::new(), 0_u32);
    for sample in samples.iter().filter(|it| (from..to).contains(&it.completed)) {
        latencies.push(sample.latency());
        successes += u32::from(sample.is_success());
    }
    latencies.sort_unstable();
    let p99 = latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default();
    Throughput {
        per_second: f64::from(successes) / to.saturating_sub(from).as_secs_f64(),
        p99: p99.as_secs_f64() * 1e3,
    }
}
