//! The latency of responses: fixed, or random within a range.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::random::Random;
use crate::settings::duration;

/// The maximum latency.
pub const MAX_LATENCY: Duration = Duration::from_secs(60);

/// A latency, `3s`, or a range of latencies, `200ms..2s`. Zero by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    from: Duration,
    to: Duration,
}

impl Latency {
    /// Draws a latency, uniformly distributed.
    pub(super) fn draw(self, random: &Random) -> Duration {
        self.from + self.to.saturating_sub(self.from).mul_f64(random.fraction())
    }
}

impl FromStr for Latency {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let parse = |text: &str| duration(text.trim()).filter(|it| *it <= MAX_LATENCY);
        match (parse(from), parse(to)) {
            (Some(from), Some(to)) if from <= to => Ok(Self { from, to }),
            _ => Err(
                "must be a duration such as 3s, or a range such as 200ms..2s with the shorter duration first, at most 60s",
            ),
        }
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.from).fmt(f)?;
        if self.to > self.from {
            write!(f, "..{}", humantime::format_duration(self.to))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
