//! The settings that apply to each request.

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};

/// The settings that apply to each request.
#[derive(Debug, Clone, Args)]
pub struct RequestSettings {
    /// Whether to log each request, in one line when its response has been sent: method, path without query, route,
    /// status, duration, length, user and request id.
    #[arg(long, env = "LOG_REQUESTS", global = true, default_value = "false", value_parser = BoolishValueParser::new(), action = ArgAction::Set, hide_env_values = true)]
    pub log_requests: bool,
}
