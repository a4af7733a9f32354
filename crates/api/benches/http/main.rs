//! `cargo bench --bench http`: the real server under load over HTTP, and reference measurements without HTTP.
//!
//! Each round measures in turn the calls over HTTP, the same statements with the same adapter but without HTTP, and
//! `pgbench` with the same SQL; at the end, the time from a change to its event. The figures are medians over the rounds. Ratios are computed within a round, so that
//! they do not change if the machine is slower for a while. Writes `docs/performance.md` and its chart. Settings:
//! `BENCH_ROUNDS` (default 5), `BENCH_SECONDS` (2), `BENCH_CONNECTIONS` (32).

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on ends")]
#![expect(clippy::cast_precision_loss, reason = "figures are rounded when they are shown")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "the other benchmarks use the rest")]
mod common;
mod events;
mod reference;
mod report;

use std::time::Duration;

use todo_test_support::database::TestDatabase;
use todo_test_support::postgres::Cluster;
use todo_test_support::server::Server;

use crate::common::calls::Call;
use crate::common::data::Dataset;
use crate::common::figures::setting;
use crate::common::load::{self, Plan};
use crate::common::postgres::durable;
use crate::report::{Database, Figures, Report};

const PROGRAM: &str = env!("CARGO_BIN_EXE_todo-api");

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).map(String::as_str) == Some(load::COMMAND) {
        return load::run(&arguments[2..], Call::requests);
    }
    if arguments.get(1).map(String::as_str) == Some(reference::COMMAND) {
        return reference::run(&arguments[2..]);
    }
    let plan = Plan {
        rounds: setting("BENCH_ROUNDS", 5),
        time: Duration::from_secs(setting("BENCH_SECONDS", 2)),
        connections: setting("BENCH_CONNECTIONS", 32),
    };
    let mut report = Report::new(plan.rounds, plan.time, plan.connections);

    let sqlite = TestDatabase::sqlite();
    measure(&mut report, Database::Sqlite, sqlite.url(), plan);
    if let Some(cluster) = Cluster::start(durable()) {
        measure(&mut report, Database::Postgres, &cluster.create_database(), plan);
    }
    report.write();
}

/// Measures how long events take.
fn measure_events(report: &mut Report, database: Database, url: &str, server: &Server, plan: Plan) {
    let mut measure = |way: &str, written: &Server, listened: &Server| {
        for load in [None, Some(plan)] {
            let name = format!("{way}{}", load.map_or("", |_| ", beside PATCHes"));
            report.add_events(database, name, events::measure(written, listened, load));
        }
    };
    measure("the same server", server, server);
    if database == Database::Postgres {
        for (way, settings) in [
            ("another server", vec![]),
            ("another server, with `DATABASE_EVENTS_URL`", vec![("DATABASE_EVENTS_URL", url)]),
        ] {
            let [written, listened] = [(); 2].map(|()| Server::start(PROGRAM, url, &settings));
            measure(way, &written, &listened);
        }
    }
}

/// Measures all calls, round by round.
fn measure(report: &mut Report, database: Database, url: &str, plan: Plan) {
    let server = Server::start(PROGRAM, url, &[]);
    let dataset = Dataset::create(&server);
    for round in 1..=plan.rounds {
        for call in Call::ALL {
            let cpu_before = server.cpu_time().unwrap_or_default();
            let load = load::measure(&server, &dataset.deep_cursor, call, plan);
            assert_eq!(load.failed, 0, "{call:?}");
            let cpu = server.cpu_time().unwrap_or_default().saturating_sub(cpu_before);
            let reference = reference::start(url, call, plan);
            let pgbench = |sets_clock| match database {
                Database::Postgres => reference::pgbench(url, call, sets_clock, plan),
                Database::Sqlite => None,
            };
            let figures = Figures {
                per_second: load.per_second,
                p50: load.p50,
                p99: load.p99,
                p999: load.p999,
                cpu_micros: cpu.as_secs_f64() * 1e6 / (load.count.max(1) as f64),
                rss_mib: server.rss_bytes().unwrap_or_default() as f64 / 1024.0 / 1024.0,
                adapter_per_second: reference,
                pgbench_per_second: pgbench(false),
                clock_pgbench_per_second: pgbench(true),
            };
            report.add(database, call, round, figures);
        }
    }
    measure_events(report, database, url, &server, plan);
}
