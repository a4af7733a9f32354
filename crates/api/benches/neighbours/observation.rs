//! One run of one scenario: the others alone, and then beside what happens.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use crate::clients::{Answer, Calls, Clients, Outcome};
use crate::common::binaries::Binary;
use crate::scenario::Scenario;
use crate::stage::{OTHERS, Stage};

/// What the others got, and what the bad user got. Figures of the others are of those who are not to be hurt: the
/// users of a partition that is locked do not count.
#[derive(Debug, Clone)]
pub(crate) struct Observation {
    pub(crate) alone: Throughput,
    pub(crate) beside: Throughput,
    /// Calls without a good answer: those that were sent before anything happened, until its first second was over, and
    /// later.
    pub(crate) lost_alone: usize,
    pub(crate) lost_first: usize,
    pub(crate) lost_later: usize,
    /// How the calls ended of who is to blame or, where no user is, of the users who cannot be served.
    pub(crate) bad: BTreeMap<Outcome, usize>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Throughput {
    /// Good answers.
    pub(crate) per_second: f64,
    /// The 99th percentile of the latency of all answers, in milliseconds.
    pub(crate) p99: f64,
}

/// The others are not measured until connections are open and statements prepared.
const WARM_UP: Duration = Duration::from_millis(500);

/// What happens is measured once it has come to stay.
const SETTLE: Duration = Duration::from_secs(2);

/// A call that is not answered for so long is lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs a scenario against a server of its own: `time` alone, `time` beside what happens.
pub(crate) fn observe(
    stage: &Stage,
    binary: &Binary,
    scenario: Scenario,
    time: Duration,
) -> Observation {
    let (part, frozen) = stage.fullest_part().unwrap_or_default();
    stage.tidy();
    let server = stage.serve(binary);
    let session = stage.session();
    let users: Vec<u64> = OTHERS.collect();
    let others = Clients::start(server.port(), WARM_UP + time + SETTLE + time, Calls::Mix, &users);
    let begun = others.begun;
    thread::sleep((begun + WARM_UP + time).saturating_duration_since(Instant::now()));
    let happens = begun.elapsed();
    let disturbance = scenario.begin(&server, SETTLE + time, session, &part);
    let answers = others.wait();
    let bad = disturbance.end();

    let (hurt, spared): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|it| frozen.contains(&it.user));
    let lost = |from: Duration, to: Duration| {
        spared.iter().filter(|it| (from..to).contains(&it.sent) && is_lost(it)).count()
    };
    // A call that still waits when it happens is hit as well.
    let about_to_happen = happens.saturating_sub(PATIENCE);
    let first_second_ends = happens + Duration::from_secs(1);
    let blamed = bad.iter().chain(hurt.iter().filter(|it| it.answered >= happens));
    let mut outcomes = BTreeMap::new();
    for answer in blamed {
        *outcomes.entry(answer.outcome).or_default() += 1;
    }
    Observation {
        alone: throughput(&spared, WARM_UP, happens),
        beside: throughput(&spared, happens + SETTLE, happens + SETTLE + time),
        lost_alone: lost(Duration::ZERO, about_to_happen),
        lost_first: lost(about_to_happen, first_second_ends),
        lost_later: lost(first_second_ends, Duration::MAX),
        bad: outcomes,
    }
}

fn is_lost(answer: &Answer) -> bool {
    match answer.outcome {
        Outcome::Status(_) => !answer.is_good(),
        Outcome::Cut => true,
        Outcome::Open => answer.latency() >= PATIENCE,
    }
}

/// Of the answers that came from the one moment to the other.
fn throughput(answers: &[Answer], from: Duration, to: Duration) -> Throughput {
    let (mut latencies, mut good) = (Vec::new(), 0_u32);
    for answer in answers.iter().filter(|it| (from..to).contains(&it.answered)) {
        latencies.push(answer.latency());
        good += u32::from(answer.is_good());
    }
    latencies.sort_unstable();
    let p99 = latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default();
    Throughput {
        per_second: f64::from(good) / to.saturating_sub(from).as_secs_f64(),
        p99: p99.as_secs_f64() * 1e3,
    }
}
