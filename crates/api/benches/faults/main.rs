//! `cargo bench --bench faults`: times and costs when the server's environment fails.
//!
//! Starts the real server on real databases, injects faults, and measures the times, memory and throughput that
//! `docs/reliability.md` promises. The tests in `tests/faults/` verify the behaviour, without regard to time. The
//! figures are medians over the rounds (`BENCH_ROUNDS`, default 3), and are written to a table in
//! `docs/reliability.md`.
//!
//! `cargo bench --bench faults -- killed idle` measures only these scenarios, and writes nothing.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on ends")]
#![expect(clippy::cast_precision_loss, reason = "figures are rounded when they are shown")]

mod crowds;
mod frozen;
mod killed;
mod report;
mod slow;
mod stopping;
mod writers;

use std::time::Duration;

use todo_test_support::postgres::{Cluster, ClusterOptions};
use todo_test_support::server::Server;

use crate::report::{Figure, Report};

/// The default `DATABASE_TIMEOUT` of the server.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(1);

/// A fault and its measurement, which is `None` if the machine lacks what it needs.
struct Scenario {
    name: &'static str,
    disturbance: &'static str,
    measure: fn() -> Option<Vec<Figure>>,
}

const fn scenario(
    name: &'static str,
    disturbance: &'static str,
    measure: fn() -> Option<Vec<Figure>>,
) -> Scenario {
    Scenario { name, disturbance, measure }
}

const SCENARIOS: [Scenario; 12] = [
    scenario("killed", "Postgres killed, and restarted 2 s later; 24 clients", killed::killed),
    scenario(
        "killed_long",
        "the same after 4 s, with `DATABASE_TIMEOUT=10s`",
        killed::killed_with_a_long_timeout,
    ),
    scenario(
        "sessions",
        "idle connections closed by Postgres 20 times; 4 clients",
        killed::sessions_ended,
    ),
    scenario("frozen", "Postgres frozen for 3 s; 24 clients", frozen::frozen),
    scenario(
        "frozen_crowd",
        "Postgres frozen for 5 s; 1,000 clients that retry 0.5 s after a 503",
        frozen::frozen_with_many_clients,
    ),
    scenario(
        "overload",
        "2,000 clients of a pool of 2 and a queue of 100, with calls that cannot be batched, that retry 0.2 s \
         after a 503",
        crowds::overload,
    ),
    scenario(
        "impatient",
        "the same with clients that ignore `Retry-After` and retry immediately",
        crowds::impatient,
    ),
    scenario("idle", "10,000 idle connections; SQLite", crowds::idle),
    scenario("slow", "420 clients that send or read one byte per second; a pool of 2", slow::slow),
    scenario("writers", "32 clients that create todos on SQLite", writers::writers),
    scenario("stopping", "SIGTERM; SQLite", stopping::stopping),
    scenario(
        "rolling",
        "a rolling restart of two servers with `SHUTDOWN_DELAY=1s`; 8 clients of a load balancer",
        stopping::rolling,
    ),
];

fn main() {
    // Cargo adds the argument `--bench`.
    let chosen: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    for name in &chosen {
        let is_known = SCENARIOS.iter().any(|it| it.name == name);
        assert!(is_known, "there is no scenario {name}; there are {}", names());
    }
    let rounds = std::env::var("BENCH_ROUNDS").ok().and_then(|it| it.parse().ok()).unwrap_or(3);
    let mut report = Report::new(rounds);
    for round in 1..=rounds {
        for scenario in &SCENARIOS {
            if chosen.is_empty() || chosen.iter().any(|it| it == scenario.name) {
                report.add(round, scenario, (scenario.measure)());
            }
        }
    }
    report.finish();
}

fn names() -> String {
    SCENARIOS.map(|it| it.name).join(", ")
}

/// The release build of the server on this database.
fn server(database_url: &str, envs: &[(&str, &str)]) -> Server {
    Server::start(env!("CARGO_BIN_EXE_todo-api"), database_url, envs)
}

/// A durable cluster. Without a Postgres installation, prints a note and returns `None`.
fn cluster() -> Option<Cluster> {
    let durable = ["fsync", "synchronous_commit", "full_page_writes"];
    let on = |options: ClusterOptions, name| options.setting(name, "on");
    Cluster::start(durable.into_iter().fold(ClusterOptions::default(), on))
}
