//! `cargo bench --bench concurrency`: how the number of connections affects throughput, on four databases.
//!
//! It evaluates the rule by which the queue wakes threads, which should be fast with many waiting calls as well as with
//! a single one, whether statements wait for processors, a network or a disk. The compared servers take turns within
//! each round, and ratios are computed within a round.
//!
//! Settings: `BENCH_BINARY` (the server to measure; default: the one built for this benchmark), `BENCH_BASELINE` (a
//! server for comparison), `BENCH_ROUNDS` (default 3), `BENCH_SECONDS` (1), and, to measure a part, comma-separated
//! lists: `BENCH_CONFIGS` (`sqlite`, `postgres`, `distant`, `slow-commits`), `BENCH_CONNECTIONS` (`1,8,32,256`),
//! `BENCH_CALLS` (`get`, `list`, `create`, `patch`).

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on ends")]
#![expect(clippy::cast_precision_loss, reason = "figures are rounded when they are shown")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "the other benchmarks use the rest")]
mod common;
mod configuration;
mod matrix;
mod proxy;

use std::time::Duration;

use crate::common::binaries::binaries;
use crate::common::calls::Call;
use crate::common::figures::{chosen, load_average, processors, setting};
use crate::common::load::{self, Plan};
use crate::configuration::Configuration;
use crate::matrix::{Cell, Matrix};

const CALLS: [Call; 4] = [Call::Get, Call::List, Call::Create, Call::Patch];
const CONNECTIONS: [usize; 4] = [1, 8, 32, 256];

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the result, and progress")]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).map(String::as_str) == Some(load::COMMAND) {
        return load::run(&arguments[2..], Call::requests);
    }
    let rounds = setting("BENCH_ROUNDS", 3);
    let time = Duration::from_secs_f64(setting("BENCH_SECONDS", 1.0));
    let configurations = chosen("BENCH_CONFIGS", &Configuration::ALL, |it| it.name().to_owned());
    let connections = chosen("BENCH_CONNECTIONS", &CONNECTIONS, |it| it.to_string());
    let calls = chosen("BENCH_CALLS", &CALLS, |it| name(it).to_owned());
    let binaries = binaries();

    let load_before = load_average();
    let mut matrix = Matrix::new(calls.clone());
    let mut descriptions = Vec::new();
    for configuration in configurations {
        let Some(environment) = configuration.start() else { continue };
        descriptions.extend(environment.describe());
        let mut servers: Vec<_> = binaries.iter().map(|it| environment.serve(&it.path)).collect();
        for round in 1..=rounds {
            for &connections in &connections {
                for &call in &calls {
                    let plan = Plan { rounds, time, connections };
                    let cell = Cell { configuration, connections, call };
                    for (binary, measured) in binaries.iter().zip(&servers) {
                        let load = load::measure(&measured.server, "", call, plan);
                        eprintln!(
                            "{} {round}/{rounds} {connections:>3} {:<10} {:<8} {:>8.0}/s  p99 {:>7.0} us",
                            configuration.name(),
                            call.name(),
                            binary.name,
                            load.per_second,
                            load.p99
                        );
                        matrix.add(cell, binary.name, load.per_second, load.failed);
                    }
                }
            }
            for measured in &mut servers {
                measured.session.clean_up();
            }
        }
    }
    println!(
        "\nWritten by `cargo bench --bench concurrency`: successful responses per second, medians of {rounds} rounds of {} s, on {} processors that \
         also run the database and the load. Load average {load_before} at the start, {} at the end. {}\n",
        time.as_secs_f64(),
        processors(),
        load_average(),
        descriptions.join(" ")
    );
    println!("{}", matrix.markdown());
}

/// Its name in `BENCH_CALLS`.
fn name(call: Call) -> &'static str {
    match call {
        Call::Get => "get",
        Call::List => "list",
        Call::Create => "create",
        Call::Patch => "patch",
        other => other.name(),
    }
}
