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
mod tests {
    use super::*;

    #[test]
    fn a_duration_or_a_range_is_accepted() {
        for (text, from, to, shown) in [
            ("3s", 3_000, 3_000, "3s"),
            ("200ms..2s", 200, 2_000, "200ms..2s"),
            ("0..1", 0, 1_000, "0s..1s"),
            ("1m", 60_000, 60_000, "1m"),
            ("0", 0, 0, "0s"),
            ("5s .. 5s", 5_000, 5_000, "5s"),
        ] {
            let latency: Latency = text.parse().unwrap();
            let expected =
                Latency { from: Duration::from_millis(from), to: Duration::from_millis(to) };
            assert_eq!((latency, latency.to_string()), (expected, shown.to_owned()), "{text}");
        }
    }

    #[test]
    fn anything_else_is_rejected() {
        for text in
            ["", "..", "soon", "2s..200ms", "200ms..", "..2s", "61s", "1s..2m", "-1s", "1s...2s"]
        {
            assert!(text.parse::<Latency>().is_err(), "{text}");
        }
    }

    #[test]
    fn latencies_are_spread_over_the_range() {
        let latency: Latency = "200ms..2s".parse().unwrap();
        let random = Random::new(1);
        let drawn: Vec<_> = (0..1_000).map(|_| latency.draw(&random)).collect();
        assert!(drawn.iter().all(|it| (latency.from..=latency.to).contains(it)));
        let middle = Duration::from_millis(1_100);
        assert!((300..700).contains(&drawn.iter().filter(|it| **it < middle).count()));
        let fixed: Latency = "3s".parse().unwrap();
        assert_eq!(fixed.draw(&random), Duration::from_secs(3));
    }
}
