//! `cargo bench --bench neighbours`: what the others notice of a user who keeps the database busy, of a lock that a
//! forgotten session holds, and of a part of the database that does not answer.
//!
//! 32 users, each with 20 todos and one client, make a mix of calls, first alone, then beside what happens. A call is
//! lost unless it gets a good answer. Each run has a server of its own. The servers that are compared take turns.
//! The tables go to standard output and, unless a part was chosen or there is no Postgres, to docs/reliability.md.
//!
//! Settings: `BENCH_BINARY` (the server to measure, else the one that was built for this), `BENCH_BASELINE` (one to
//! compare it with), `BENCH_ROUNDS` (default 3), `BENCH_SECONDS` (3; alone, and again beside it), and, to measure a
//! part, lists with commas: `BENCH_DATABASES` (`SQLite`, `Postgres`), `BENCH_SCENARIOS` (`search`, `count`, `bulk`, `row`,
//! `part`, `shard`).

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on ends")]
#![expect(clippy::cast_precision_loss, reason = "figures are rounded when they are shown")]

mod clients;
#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "the other benchmarks use the rest")]
mod common;
mod observation;
mod report;
mod scenario;
mod stage;

use std::time::Duration;

use crate::common::binaries::binaries;
use crate::common::figures::{chosen, load_average, processors, setting};
use crate::observation::observe;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::stage::{Layout, Stage};

const DATABASES: [&str; 2] = ["SQLite", "Postgres"];

#[expect(clippy::print_stdout, reason = "the result")]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).map(String::as_str) == Some(clients::COMMAND) {
        return clients::run(&arguments[2..]).expect("the clients can print");
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
        "Medians of {rounds} rounds of {} s alone and {} s beside it, on {} processors that also run the database and the \
         clients; what was lost in all rounds. Load average {load_before} at the start, {} at the end.\n\n{}",
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

/// Scenarios that can share a database; `None` where there is none.
#[expect(clippy::print_stderr, reason = "progress")]
fn measure(
    report: &mut Report,
    database: &'static str,
    layout: Layout,
    scenarios: &[Scenario],
    rounds: usize,
    time: Duration,
) -> Option<()> {
    let mut stages = Vec::new();
    for binary in binaries() {
        let stage = Stage::create(&binary, database == "SQLite", layout)?;
        stages.push((binary, stage));
    }
    for round in 1..=rounds {
        for &scenario in scenarios {
            for (binary, stage) in &stages {
                let seen = observe(stage, binary, scenario, time);
                eprintln!(
                    "{database} {round}/{rounds} {:<6} {:<8} alone {:>6.0}/s p99 {:>6.1} ms, beside {:>6.0}/s p99 {:>6.1} ms, lost \
                     {} + {} + {}, bad {:?}",
                    scenario.name(),
                    binary.name,
                    seen.alone.per_second,
                    seen.alone.p99,
                    seen.beside.per_second,
                    seen.beside.p99,
                    seen.lost_alone,
                    seen.lost_first,
                    seen.lost_later,
                    seen.bad
                );
                report.add(database, scenario, binary.name, seen);
            }
        }
    }
    Some(())
}
