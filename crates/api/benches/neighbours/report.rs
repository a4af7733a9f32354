//! The table, on standard output and in docs/reliability.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use todo_test_support::clients::load::Outcome;

use crate::common::figures::{median, whole};
use crate::observation::Observation;
use crate::scenario::Scenario;

/// The rounds of one scenario, for a database and a binary.
struct Row {
    database: &'static str,
    scenario: Scenario,
    binary: &'static str,
    rounds: Vec<Observation>,
}

/// All results.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

const HEAD: &str = "\
| database | disturbance | others alone/s | during/s | ratio | lost, 1st second | lost later | p99 alone ms \
| p99 during ms | target | responses to the disturbing user |\n|---|---|---|---|---|---|---|---|---|---|---|\n";

const BEGIN: &str = "<!-- Written by `cargo bench --bench neighbours`. -->\n";
const END: &str = "<!-- End of the generated part. -->\n";

impl Report {
    pub(crate) fn add(
        &mut self,
        database: &'static str,
        scenario: Scenario,
        binary: &'static str,
        observation: Observation,
    ) {
        let is_row =
            |it: &Row| it.database == database && it.scenario == scenario && it.binary == binary;
        if let Some(row) = self.rows.iter_mut().find(|it| is_row(it)) {
            row.rounds.push(observation);
        } else {
            self.rows.push(Row { database, scenario, binary, rounds: vec![observation] });
        }
    }

    /// Medians of the rounds, and sums of the lost calls; with a baseline also the ratios to it.
    pub(crate) fn markdown(&self) -> String {
        let mut text = HEAD.to_owned();
        for row in &self.rows {
            text.push_str(&row.text());
        }
        let ratios: String = self.rows.iter().filter_map(|row| self.baseline_ratios(row)).collect();
        if !ratios.is_empty() {
            let _ = write!(
                text,
                "\n| database | disturbance | measured / baseline, alone | during |\n|---|---|---|---|\n{ratios}"
            );
        }
        text
    }

    fn baseline_ratios(&self, row: &Row) -> Option<String> {
        let baseline = self.rows.iter().find(|it| {
            it.binary == "baseline" && it.database == row.database && it.scenario == row.scenario
        })?;
        if row.binary == "baseline" {
            return None;
        }
        let pairs = || row.rounds.iter().zip(&baseline.rounds);
        let alone = median(
            pairs().map(|(it, base)| it.alone.per_second / base.alone.per_second).collect(),
        )?;
        let during = median(
            pairs().map(|(it, base)| it.during.per_second / base.during.per_second).collect(),
        )?;
        Some(format!(
            "| {} | {} | {alone:.2} | {during:.2} |\n",
            row.database,
            row.scenario.title()
        ))
    }

    /// Replaces the text between the marks in docs/reliability.md.
    pub(crate) fn write(text: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reliability.md");
        let old = fs::read_to_string(&file).expect("docs/reliability.md");
        let (before, rest) = old.split_once(BEGIN).expect("the first mark");
        let (_, after) = rest.split_once(END).expect("the second mark");
        fs::write(&file, format!("{before}{BEGIN}\n{text}\n{END}{after}"))
            .expect("docs/reliability.md");
    }
}

impl Row {
    fn text(&self) -> String {
        let of = |figure: fn(&Observation) -> f64| {
            median(self.rounds.iter().map(figure).collect()).unwrap_or_default()
        };
        let ratio = of(|it| it.during.per_second / it.alone.per_second);
        let lost_first: usize = self.rounds.iter().map(|it| it.lost_first).sum();
        let lost_later: usize = self.rounds.iter().map(|it| it.lost_later).sum();
        let mut disturbing = BTreeMap::new();
        for (outcome, count) in self.rounds.iter().flat_map(|it| &it.disturbing) {
            *disturbing.entry(*outcome).or_default() += count;
        }
        format!(
            "| {} | {}{} | {} | {} | {ratio:.2} | {lost_first} | {lost_later} | {:.1} | {:.1} | {} | {} |\n",
            self.database,
            self.scenario.title(),
            if self.binary == "baseline" { " (baseline)" } else { "" },
            whole(of(|it| it.alone.per_second)),
            whole(of(|it| it.during.per_second)),
            of(|it| it.alone.p99),
            of(|it| it.during.p99),
            self.target(ratio, lost_first, lost_later),
            counts(&disturbing),
        )
    }

    fn target(&self, ratio: f64, lost_first: usize, lost_later: usize) -> String {
        let (least, may_lose_first) = self.scenario.target();
        let is_met = least.is_none_or(|least| ratio >= least)
            && lost_later == 0
            && (may_lose_first || lost_first == 0);
        let ratio = least.map_or_else(String::new, |least| format!("ratio {least:.2}, "));
        let lost = if may_lose_first { "none lost later" } else { "none lost" };
        format!("{ratio}{lost}: {}", if is_met { "met" } else { "**missed**" })
    }
}

fn counts(outcomes: &BTreeMap<Outcome, usize>) -> String {
    let counts: Vec<_> = outcomes
        .iter()
        .map(|(outcome, count)| match outcome {
            Outcome::Status(status) => format!("{status}: {count}"),
            Outcome::Disconnected => format!("connection ended: {count}"),
            Outcome::Pending => format!("pending at the end: {count}"),
        })
        .collect();
    counts.join(", ")
}
