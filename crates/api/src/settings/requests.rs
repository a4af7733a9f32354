//! The settings that apply to each request.

use std::num::NonZeroU32;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};
use governor::Quota;

/// The settings that apply to each request.
#[derive(Debug, Clone, Args)]
pub struct RequestSettings {
    /// Whether to log each request, in one line when its response has been sent: method, path without query, route,
    /// status, duration, length, user and request id.
    #[arg(long, env = "LOG_REQUESTS", global = true, default_value = "false", value_parser = BoolishValueParser::new(), action = ArgAction::Set, hide_env_values = true)]
    pub log_requests: bool,

    /// How many requests each user may send to this process: `50/s`, `1000/m`, `5000/h`. Further ones fail with 429. Not
    /// limited by default.
    #[arg(long, env = "RATE_LIMIT", global = true, value_parser = rate, hide_env_values = true)]
    pub rate_limit: Option<Quota>,

    /// How many of them a user may send at once after a pause; by default the number in `RATE_LIMIT`.
    #[arg(long, env = "RATE_LIMIT_BURST", global = true, value_parser = requests, hide_env_values = true)]
    pub rate_limit_burst: Option<NonZeroU32>,

    /// How many todos each user may have; creating more fails with 409. Not limited by default.
    #[arg(long, env = "MAX_TODOS_PER_USER", global = true, value_parser = super::positive::<u32>, hide_env_values = true)]
    pub max_todos_per_user: Option<u32>,
}

impl RequestSettings {
    /// The limit of each user, if there is one.
    ///
    /// # Errors
    /// A one-line message if only the burst is set.
    pub fn quota(&self) -> Result<Option<Quota>, String> {
        match (self.rate_limit, self.rate_limit_burst) {
            (Some(rate), Some(burst)) => Ok(Some(rate.allow_burst(burst))),
            (None, Some(_)) => {
                Err("RATE_LIMIT_BURST is set without RATE_LIMIT: set both".to_owned())
            }
            (rate, None) => Ok(rate),
        }
    }
}

/// The maximum number of requests in a rate or burst. With more, the time to allow them all again would overflow.
const MAX_REQUESTS: u32 = 1_000_000;

fn requests(text: &str) -> Result<NonZeroU32, String> {
    let count = text.parse().ok().filter(|count: &NonZeroU32| count.get() <= MAX_REQUESTS);
    count.ok_or_else(|| format!("must be a whole number from 1 to {MAX_REQUESTS}"))
}

fn rate(text: &str) -> Result<Quota, String> {
    let quota = text.split_once('/').and_then(|(count, unit)| {
        let count = requests(count).ok()?;
        match unit {
            "s" => Some(Quota::per_second(count)),
            "m" => Some(Quota::per_minute(count)),
            "h" => Some(Quota::per_hour(count)),
            _ => None,
        }
    });
    quota.ok_or_else(|| {
        format!("must be requests per second, minute or hour, such as 50/s, 1000/m or 5000/h, up to {MAX_REQUESTS}")
    })
}
