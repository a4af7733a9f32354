//! The figures, by database, connections and call.

use std::fmt::Write as _;

use crate::common::calls::Call;
use crate::common::figures::{median, whole};
use crate::configuration::Configuration;

/// One combination of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) configuration: Configuration,
    pub(crate) connections: usize,
    pub(crate) call: Call,
}

/// All results.
pub(crate) struct Matrix {
    calls: Vec<Call>,
    cells: Vec<(Cell, Rounds)>,
}

/// Successful responses per second in each round, of the measured server and of the baseline.
#[derive(Default)]
struct Rounds {
    measured: Vec<f64>,
    baseline: Vec<f64>,
    failed: usize,
}

/// Cells below this ratio are counted.
const GOAL: f64 = 0.95;

impl Matrix {
    pub(crate) fn new(calls: Vec<Call>) -> Self {
        Self { calls, cells: Vec::new() }
    }

    /// Adds the result of one binary in a round.
    pub(crate) fn add(&mut self, cell: Cell, binary: &str, per_second: f64, failed: usize) {
        let index = self.cells.iter().position(|(it, _)| *it == cell).unwrap_or_else(|| {
            self.cells.push((cell, Rounds::default()));
            self.cells.len() - 1
        });
        let rounds = &mut self.cells[index].1;
        if binary == "baseline" {
            rounds.baseline.push(per_second);
        } else {
            rounds.measured.push(per_second);
            rounds.failed += failed;
        }
    }

    /// The results as a table, and a summary of the ratios.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("| database | connections |");
        for call in &self.calls {
            let _ = write!(text, " {} |", call.name());
        }
        let _ = write!(text, "\n|---|---|{}", "---|".repeat(self.calls.len()));
        let mut row = None;
        for (cell, rounds) in &self.cells {
            // Cells have the order of the rows.
            if row != Some((cell.configuration, cell.connections)) {
                row = Some((cell.configuration, cell.connections));
                let _ = write!(text, "\n| {} | {} |", cell.configuration.title(), cell.connections);
            }
            let _ = write!(text, " {} |", rounds.text());
        }
        text.push('\n');
        text.push_str(&self.summary());
        text
    }

    fn summary(&self) -> String {
        let ratios: Vec<(Cell, f64)> =
            self.cells.iter().filter_map(|(cell, rounds)| Some((*cell, rounds.ratio()?))).collect();
        let Some((cell, smallest)) = ratios.iter().min_by(|a, b| a.1.total_cmp(&b.1)) else {
            return String::new();
        };
        format!(
            "\nEach cell: measured / baseline = ratio, the median of the rounds' ratios. The smallest is {smallest:.2} ({}, {} \
             connections, {}), the median {:.2}; {} of {} are below {GOAL}.\n",
            cell.configuration.title(),
            cell.connections,
            cell.call.name(),
            median(ratios.iter().map(|it| it.1).collect()).unwrap_or_default(),
            ratios.iter().filter(|it| it.1 < GOAL).count(),
            ratios.len()
        )
    }
}

impl Rounds {
    fn ratio(&self) -> Option<f64> {
        median(self.measured.iter().zip(&self.baseline).map(|(it, base)| it / base).collect())
    }

    fn text(&self) -> String {
        let measured = median(self.measured.clone()).map_or_else(String::new, whole);
        let mut text = match (self.ratio(), median(self.baseline.clone())) {
            (Some(ratio), Some(baseline)) => {
                format!("{measured} / {} = {ratio:.2}", whole(baseline))
            }
            _ => measured,
        };
        if self.failed > 0 {
            let _ = write!(text, " ({} failed)", self.failed);
        }
        text
    }
}
