//! The flags of the sandbox.

use clap::Args;

use super::latency::Latency;

/// The faults of requests below `/api/v1`, unless they request others by `X-Sandbox`.
#[derive(Debug, Clone, Default, Args)]
pub struct SandboxOptions {
    /// How long responses are delayed: a duration (300ms) or a range (200ms..2s), at most 60s.
    #[arg(long)]
    pub latency: Option<Latency>,

    /// The share of requests that fail with 503 and `Retry-After` without being carried out: 0 to 1.
    #[arg(long, value_name = "RATE", value_parser = rate, default_value_t = 0.0)]
    pub fail_rate: f64,

    /// The share of requests that are carried out, but whose response is lost because the connection is closed: 0 to 1.
    #[arg(long, value_name = "RATE", value_parser = rate, default_value_t = 0.0)]
    pub lose_answers: f64,

    /// The seed of the random faults: with the same seed, the same sequence of requests has the same faults. Random by
    /// default.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
}

fn rate(text: &str) -> Result<f64, &'static str> {
    text.parse()
        .ok()
        .filter(|rate| (0.0..=1.0).contains(rate))
        .ok_or("must be a number from 0 to 1, such as 0.05")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_from_0_to_1() {
        for text in ["0", "1", "0.05", "5e-2", ".5"] {
            assert!(rate(text).is_ok(), "{text}");
        }
        for text in ["", "-0.1", "1.01", "5%", "NaN", "inf", "often"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
