//! The flags that only a sandbox has.

use clap::Args;

use super::latency::Latency;

/// Which faults requests below `/api/v1` have, unless they ask for their own by `X-Sandbox`.
#[derive(Debug, Clone, Default, Args)]
pub struct SandboxOptions {
    /// How long answers take: a duration (300ms), or a range (200ms..2s); at most 60s.
    #[arg(long)]
    pub latency: Option<Latency>,

    /// The share of requests that fail with 503 and `Retry-After`, without having acted: 0 to 1.
    #[arg(long, value_name = "RATE", value_parser = rate, default_value_t = 0.0)]
    pub fail_rate: f64,

    /// The share of requests that act, but whose answer is lost, because the connection is cut: 0 to 1.
    #[arg(long, value_name = "RATE", value_parser = rate, default_value_t = 0.0)]
    pub lose_answers: f64,

    /// Makes the faults the same for the same requests in the same order; another number at each start by default.
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
