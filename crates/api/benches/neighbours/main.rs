//! `cargo bench --bench neighbours`: how other users are affected by a user who keeps the database busy, by a lock that
//! a forgotten session holds, and by a part of the database that does not respond.
//!
//! 32 users, each with 20 todos and one client, send a mix of calls, first alone, then during a disturbance. A call is
//! lost unless it succeeds. Each run has a new server process. The compared servers take turns. The tables are printed
//! and, unless a part was selected or Postgres is missing, written to docs/reliability.md.
//!
//! Settings: `BENCH_BINARY` (the server to measure; default: the one built for this benchmark), `BENCH_BASELINE` (a
//! server for comparison), `BENCH_ROUNDS` (default 3), `BENCH_SECONDS` (3; alone, and again during the disturbance),
//! and, to measure a part, comma-separated lists: `BENCH_DATABASES` (`SQLite`, `Postgres`), `BENCH_SCENARIOS`
//! (`search`, `count`, `bulk`, `row`, `part`, `shard`).

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on ends")]
#![expect(clippy::cast_precision_loss, reason = "figures are rounded when they are shown")]

mod clients;
#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "the other benchmarks use the rest")]
mod common;
mod environment;
mod observation;
mod report;
mod scenario;

use std::time::Duration;

use crate::clients::Calls;
use crate::common::binaries::binaries;
use crate::common::figures::{chosen, load_average, processors, setting};
use crate::common::load;
use crate::environment::{Environment, Layout};
use crate::observation::observe;
use crate::report::Report;
use crate::scenario::Scenario;

const DATABASES: [&str; 2] = ["SQLite", "Postgres"];

#[expect(clippy::print_stdout, reason = "the result")]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).map(String::as_str) == Some(load::COMMAND) {
        return load::run(&arguments[2..], Calls::requests);
    }
    let rounds = setting("BENCH_ROUNDS", 3);
    let time = Duration::from_secs_f64(setting("BENCH_SECONDS", 3.0));
    let databases = chosen("BENCH_DATABASES", &DATABASES, str::to_owned);
    let scenarios = chosen("BENCH_SCENARIOS", &Scenario::ALL, |it| it.name().to_owned());

    let load_before = load_average();
    let mut report = Report::default();
    let mut is_whole = databases.len() == DATABASES.len() && scenarios.len() == Scenario::ALL.len();
    for database in databases {
        for layout in [Layout::Whole, Layout::Partitioned, Layout::Sharded] {
            let scenarios: Vec<_> = scenarios
                .iter()
                .filter(|it| it.layout() == layout && (it.is_for_sqlite() || database != "SQLite"))
                .copied()
                .collect();
            if !scenarios.is_empty() {
                is_whole &=
                    measure(&mut report, database, layout, &scenarios, rounds, time).is_some();
            }
        }
    }
    let text = format!(
        "Medians of {rounds} rounds of {} s alone and {} s during the disturbance, on {} processors that also run the database and the \
         clients; lost calls are summed over all rounds. Load average {load_before} at the start, {} at the end.\n\n{}",
        time.as_secs_f64(),
        time.as_secs_f64(),
        processors(),
        load_average(),
        report.markdown()
    );
    println!("{text}");
    if is_whole {
        Report::write(&text);
    }
}

/// Measures scenarios that share a database; `None` without a Postgres installation.
#[expect(clippy::print_stderr, reason = "progress")]
fn measure(
    report: &mut Report,
    database: &'static str,
    layout: Layout,
    scenarios: &[Scenario],
    rounds: usize,
    time: Duration,
) -> Option<()> {
    let mut environments = Vec::new();
    for binary in binaries() {
        let environment = Environment::create(&binary, database == "SQLite", layout)?;
        environments.push((binary, environment));
    }
    for round in 1..=rounds {
        for &scenario in scenarios {
            for (binary, environment) in &environments {
                let seen = observe(environment, binary, scenario, time);
                eprintln!(
                    "{database} {round}/{rounds} {:<6} {:<8} alone {:>6.0}/s p99 {:>6.1} ms, during {:>6.0}/s p99 {:>6.1} ms, lost \
                     {} + {} + {}, disturbing user {:?}",
                    scenario.name(),
                    binary.name,
                    seen.alone.per_second,
                    seen.alone.p99,
                    seen.during.per_second,
                    seen.during.p99,
                    seen.lost_alone,
                    seen.lost_first,
                    seen.lost_later,
                    seen.disturbing
                );
                report.add(database, scenario, binary.name, seen);
            }
        }
    }
    Some(())
}
