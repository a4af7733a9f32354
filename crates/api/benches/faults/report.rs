//! The figures, as a table in `docs/reliability.md`.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use crate::{SCENARIOS, Scenario};

/// This program replaces the text between these lines of the document.
const BEGIN: &str = "<!-- Written by `cargo bench --bench faults`. -->\n";
const END: &str = "<!-- End of the generated part. -->";

/// The unit of a figure.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Seconds,
    Mebibytes,
    PerSecond,
    Count,
}

/// One measured figure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    what: &'static str,
    value: f64,
    unit: Unit,
}

impl Figure {
    pub(crate) fn time(what: &'static str, time: Duration) -> Self {
        Self { what, value: time.as_secs_f64(), unit: Unit::Seconds }
    }

    pub(crate) fn count(what: &'static str, count: usize) -> Self {
        Self { what, value: count as f64, unit: Unit::Count }
    }

    pub(crate) fn rate(what: &'static str, per_second: f64) -> Self {
        Self { what, value: per_second, unit: Unit::PerSecond }
    }

    /// Unknown without `/proc`.
    pub(crate) fn memory(what: &'static str, bytes: Option<u64>) -> Self {
        let value = bytes.map_or(f64::NAN, |it| it as f64 / 1024.0 / 1024.0);
        Self { what, value, unit: Unit::Mebibytes }
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value < 1e-3 => format!("{:.2} ms", value * 1e3),
            Self::Seconds if value < 0.1 => format!("{:.1} ms", value * 1e3),
            Self::Seconds => format!("{value:.3} s"),
            Self::Mebibytes => format!("{value:.0} MiB"),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Count => format!("{value:.0}"),
        }
    }
}

/// All results.
pub(crate) struct Report {
    rounds: usize,
    load_average: String,
    rows: Vec<(&'static str, Figure)>,
}

impl Report {
    /// Starts a report with the current load average.
    pub(crate) fn new(rounds: usize) -> Self {
        let average = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let average = average.split(' ').take(2).collect::<Vec<_>>().join(" and ");
        Self { rounds, load_average: average, rows: Vec::new() }
    }

    /// Adds a round of a scenario, and prints it.
    #[expect(clippy::print_stderr, reason = "progress")]
    pub(crate) fn add(&mut self, round: usize, scenario: &Scenario, figures: Option<Vec<Figure>>) {
        let Some(figures) = figures else {
            return eprintln!("{round}/{} {}: skipped", self.rounds, scenario.name);
        };
        for figure in figures {
            let shown = figure.unit.show(figure.value);
            eprintln!("{round}/{} {}: {}: {shown}", self.rounds, scenario.name, figure.what);
            self.rows.push((scenario.name, figure));
        }
    }

    /// Prints the table, and writes it to the document if it is complete.
    #[expect(clippy::print_stdout, reason = "the result")]
    pub(crate) fn finish(&self) {
        let table = self.table();
        println!("{table}");
        let is_whole = |it: &Scenario| self.rows.iter().any(|(name, _)| *name == it.name);
        if !SCENARIOS.iter().all(is_whole) {
            return println!(
                "docs/reliability.md is not changed, because not everything was measured"
            );
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reliability.md");
        let old = fs::read_to_string(&path).expect("docs/reliability.md");
        let (before, rest) = old.split_once(BEGIN).expect("the line at which the table begins");
        let (_, after) = rest.split_once(END).expect("the line at which it ends");
        fs::write(&path, format!("{before}{BEGIN}\n{table}\n{END}{after}"))
            .expect("docs/reliability.md");
    }

    fn table(&self) -> String {
        let processors = thread::available_parallelism().map_or(0, usize::from);
        let mut text = format!(
            "Medians of {} rounds; in brackets the lowest and the highest. {processors} processors, which also ran \
             the databases and the clients. The load average of the machine over one and five minutes, caused by \
             other work, was {} at the start.\n\n| benchmark | disturbance | measured | |\n|---|---|---|---|\n",
            self.rounds, self.load_average
        );
        for scenario in &SCENARIOS {
            let rows = || self.rows.iter().filter(|(name, _)| *name == scenario.name);
            let mut names: Vec<&str> = Vec::new();
            for (_, figure) in rows() {
                if !names.contains(&figure.what) {
                    names.push(figure.what);
                }
            }
            for (number, what) in names.into_iter().enumerate() {
                let of_it: Vec<_> = rows().filter(|(_, it)| it.what == what).collect();
                let mut values: Vec<_> = of_it.iter().map(|(_, it)| it.value).collect();
                values.sort_by(f64::total_cmp);
                let show = |value: f64| of_it[0].1.unit.show(value);
                let (lowest, highest) = (show(values[0]), show(values[values.len() - 1]));
                let median = show(values[values.len() / 2]);
                let (name, disturbance) = match number {
                    0 => (format!("`{}`", scenario.name), scenario.disturbance),
                    _ => (String::new(), ""),
                };
                let _ = write!(text, "| {name} | {disturbance} | {what} | {median}");
                if lowest != highest {
                    let _ = write!(text, " ({lowest} to {highest})");
                }
                text.push_str(" |\n");
            }
        }
        text
    }
}
