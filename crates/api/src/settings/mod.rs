//! The settings. Each is a flag and an environment variable of the same name.

mod commands;
pub mod identity;
mod requests;
mod traces;

use std::fmt::Display;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum};
use tracing_subscriber::filter::Targets;

pub use self::commands::{Cli, Command, MigrateDirection, OperatorCommand};
use self::identity::IdentitySettings;
pub use self::requests::RequestSettings;
pub use self::traces::TraceSettings;
use crate::identity::AuthMode;
use crate::logging::LogFormat;

/// All settings.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// The address to listen on; 0.0.0.0 or :: for all addresses.
    #[arg(long, env = "HOST", global = true, default_value = "127.0.0.1", hide_env_values = true)]
    pub host: IpAddr,

    /// The port to listen on; 0 for any free port.
    #[arg(long, env = "PORT", global = true, default_value_t = 8000, hide_env_values = true)]
    pub port: u16,

    /// The number of HTTP threads; one per processor by default.
    #[arg(long, env = "HTTP_WORKERS", global = true, value_parser = positive::<usize>, hide_env_values = true)]
    pub http_workers: Option<usize>,

    /// The maximum number of open connections. Further clients wait until one disconnects.
    #[arg(long, env = "MAX_CONNECTIONS", global = true, default_value_t = 10_000, value_parser = positive::<usize>, hide_env_values = true)]
    pub max_connections: usize,

    /// The maximum number of open event streams, each with its connection. Further ones fail with 429. Keep it below
    /// `MAX_CONNECTIONS`, so that there is always room for other requests.
    #[arg(long, env = "MAX_STREAMS", global = true, default_value_t = 10_000, value_parser = positive::<usize>, hide_env_values = true)]
    pub max_streams: usize,

    /// How long an idle connection is kept open; 0s closes it after each response. Set it longer than the idle timeout
    /// of your load balancer.
    #[arg(long, env = "KEEP_ALIVE", global = true, default_value = "75s", value_parser = delay, hide_env_values = true)]
    pub keep_alive: Duration,

    /// The database: `sqlite://path`, `sqlite::memory:`, or `postgres://user:password@host/database` with libpq
    /// parameters, such as `?sslmode=verify-full`. A flag is visible in the process list, including the password: use
    /// the environment or a file instead.
    /// [default: sqlite://todos.db]
    #[expect(clippy::doc_markdown, reason = "the help shows it verbatim")]
    #[arg(long, env = "DATABASE_URL", global = true, hide_env_values = true)]
    pub database_url: Option<String>,

    /// A file that contains the URL of the database, instead of `DATABASE_URL`.
    #[arg(long, env = "DATABASE_URL_FILE", global = true, hide_env_values = true)]
    pub database_url_file: Option<PathBuf>,

    /// Postgres only: a URL of the same database without a pooler, by which processes tell each other of changes at once
    /// (LISTEN and NOTIFY). Without it, they find the changes of others within a second.
    #[arg(long, env = "DATABASE_EVENTS_URL", global = true, hide_env_values = true)]
    pub database_events_url: Option<String>,

    /// The number of database connections, each used by its own thread.
    #[arg(long, env = "DATABASE_POOL_SIZE", global = true, default_value_t = 8, value_parser = pool_size, hide_env_values = true)]
    pub database_pool_size: u32,

    /// How long a request may wait for the database in total before it fails with 503: 1s, 500ms.
    #[arg(long, env = "DATABASE_TIMEOUT", global = true, default_value = "1s", value_parser = timeout, hide_env_values = true)]
    pub database_timeout: Duration,

    /// The same for bulk calls, which change many todos at once.
    #[arg(long, env = "BULK_TIMEOUT", global = true, default_value = "30s", value_parser = timeout, hide_env_values = true)]
    pub bulk_timeout: Duration,

    /// How many requests may wait for the database; further ones fail with 503 immediately.
    #[arg(long, env = "DATABASE_QUEUE_SIZE", global = true, default_value_t = 1024, value_parser = positive::<usize>, hide_env_values = true)]
    pub database_queue_size: usize,

    /// Whether prepared statements are cached per Postgres connection. `auto` caches them unless a pooler shares the
    /// sessions, which is detected at start-up.
    #[arg(long, env = "DATABASE_STATEMENT_CACHE", global = true, value_enum, default_value_t = StatementCache::Auto, hide_env_values = true)]
    pub database_statement_cache: StatementCache,

    /// Whether to apply pending migrations at start-up. If false and migrations are pending, the program exits.
    #[arg(long, env = "MIGRATE_ON_START", global = true, default_value = "true", value_parser = BoolishValueParser::new(), action = ArgAction::Set, hide_env_values = true)]
    pub migrate_on_start: bool,

    /// How long migrations wait for another instance that is migrating, and for locks, before the program exits.
    #[arg(long, env = "MIGRATE_TIMEOUT", global = true, default_value = "1m", value_parser = timeout, hide_env_values = true)]
    pub migrate_timeout: Duration,

    /// How long tombstones of deleted todos are kept: until then a client that was offline learns of the deletion, and a
    /// todo can be put back in its old place.
    #[arg(long, env = "DELETED_RETENTION", global = true, default_value = "30d", value_parser = retention, hide_env_values = true)]
    pub deleted_retention: Duration,

    /// The origins whose pages may call the API from a browser, separated by commas; `*` as the port allows any port,
    /// `*` alone any origin.
    #[arg(long, env = "CORS_ALLOWED_ORIGINS", global = true, value_delimiter = ',', default_value = "http://localhost:*,http://127.0.0.1:*", value_parser = origin, hide_env_values = true)]
    pub cors_allowed_origins: Vec<String>,

    /// How callers are identified.
    #[command(flatten)]
    pub identity: IdentitySettings,

    /// The address to serve metrics for Prometheus on, under /metrics, such as 127.0.0.1:9464; without it there are
    /// none. Keep it private.
    #[arg(long, env = "METRICS_ADDRESS", global = true, value_parser = address, hide_env_values = true)]
    pub metrics_address: Option<SocketAddr>,

    /// The settings of traces.
    #[command(flatten)]
    pub traces: TraceSettings,

    /// The format of the log.
    #[arg(long, env = "LOG_FORMAT", global = true, value_enum, default_value_t = LogFormat::Text, hide_env_values = true)]
    pub log_format: LogFormat,

    /// What is logged: a level (error, warn, info, debug, trace), or levels per module.
    #[arg(
        long,
        env = "RUST_LOG",
        global = true,
        default_value = "info,actix_server=warn,actix_http=off",
        value_parser = log_filter,
        hide_env_values = true
    )]
    pub rust_log: Targets,

    /// The settings that apply to each request.
    #[command(flatten)]
    pub requests: RequestSettings,

    /// How long requests are still accepted after SIGTERM or SIGINT, while /health/ready fails with 503, so that load
    /// balancers can stop sending requests; 5s by default, 0s when started from a terminal.
    #[arg(long, env = "SHUTDOWN_DELAY", global = true, value_parser = delay, hide_env_values = true)]
    pub shutdown_delay: Option<Duration>,

    /// How long accepted requests may take after that, in whole seconds.
    #[arg(long, env = "SHUTDOWN_TIMEOUT", global = true, default_value = "30s", value_parser = timeout, hide_env_values = true)]
    pub shutdown_timeout: Duration,
}

/// The default of `SHUTDOWN_DELAY`: how long load balancers usually take to notice that a server is not ready.
const SHUTDOWN_DELAY: Duration = Duration::from_secs(5);

/// The default of `DATABASE_URL`.
const DEFAULT_DATABASE_URL: &str = "sqlite://todos.db";

/// The maximum length of a URL in a file, in bytes. A URL may name many hosts and files.
const MAX_URL_BYTES: u64 = 64 * 1024;

impl Settings {
    /// The URL of the database, and the name of the setting that it comes from.
    ///
    /// # Errors
    /// A one-line message about the settings, without the URL.
    pub fn database_url(&self) -> Result<(String, &'static str), String> {
        match (&self.database_url, &self.database_url_file) {
            (Some(_), Some(_)) => {
                Err("DATABASE_URL and DATABASE_URL_FILE are both set: unset one of them".to_owned())
            }
            (Some(url), None) => Ok((url.clone(), "DATABASE_URL")),
            (None, Some(path)) => {
                let problem = |problem: &dyn Display| {
                    format!("DATABASE_URL_FILE: cannot read {}: {problem}", path.display())
                };
                let mut url = String::new();
                let file = File::open(path).map_err(|error| problem(&error))?;
                let read = file.take(MAX_URL_BYTES + 1).read_to_string(&mut url);
                if read.map_err(|error| problem(&error))? as u64 > MAX_URL_BYTES {
                    return Err(problem(&"it is longer than 64 KiB"));
                }
                Ok((url.trim_end_matches(['\r', '\n']).to_owned(), "DATABASE_URL_FILE"))
            }
            (None, None) => Ok((DEFAULT_DATABASE_URL.to_owned(), "DATABASE_URL")),
        }
    }

    /// Changes the settings for a sandbox: a database in memory, any origin, no authentication, no shutdown delay.
    ///
    /// Connections are closed after each response. If a reused connection is cut, a browser retries the request without
    /// telling the page: the response would not be lost, but the request carried out twice.
    #[must_use]
    pub fn for_sandbox(self) -> Self {
        Self {
            database_url: Some("sqlite::memory:".to_owned()),
            database_url_file: None,
            database_events_url: None,
            migrate_on_start: true,
            cors_allowed_origins: vec!["*".to_owned()],
            keep_alive: Duration::ZERO,
            shutdown_delay: Some(self.shutdown_delay.unwrap_or_default()),
            identity: IdentitySettings { auth: AuthMode::Header, ..self.identity },
            ..self
        }
    }

    /// `SHUTDOWN_DELAY`, or its default: 5 s, but 0 at a terminal, where there is no load balancer.
    #[must_use]
    pub fn shutdown_delay(&self) -> Duration {
        let is_at_terminal = || std::io::stdin().is_terminal() || std::io::stdout().is_terminal();
        self.shutdown_delay
            .unwrap_or_else(|| if is_at_terminal() { Duration::ZERO } else { SHUTDOWN_DELAY })
    }
}

/// Whether prepared statements are cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatementCache {
    /// If it is safe.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// The maximum of `DATABASE_POOL_SIZE`.
const MAX_POOL_SIZE: u32 = 1_000;

fn pool_size(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|size| (1..=MAX_POOL_SIZE).contains(size))
        .ok_or_else(|| format!("must be a whole number from 1 to {MAX_POOL_SIZE}"))
}

fn positive<T: std::str::FromStr + PartialOrd + From<u8>>(text: &str) -> Result<T, &'static str> {
    text.parse()
        .ok()
        .filter(|number| *number >= T::from(1))
        .ok_or("must be a whole number of at least 1")
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "must be an IP address and a port, such as 127.0.0.1:9464 or [::1]:9464")
}

fn timeout(text: &str) -> Result<Duration, &'static str> {
    delay(text)
        .ok()
        .filter(|timeout| *timeout > Duration::ZERO)
        .ok_or("must be a duration such as 500ms, 1s or 2m, above zero and at most one hour")
}

fn delay(text: &str) -> Result<Duration, &'static str> {
    duration(text)
        .filter(|delay| *delay <= Duration::from_secs(3_600))
        .ok_or("must be a duration such as 0s, 500ms or 2m, at most one hour")
}

fn retention(text: &str) -> Result<Duration, &'static str> {
    duration(text)
        .filter(|time| (Duration::from_secs(1)..=MAX_RETENTION).contains(time))
        .ok_or("must be a duration such as 12h or 30d, from one second to ten years")
}

/// The maximum of `DELETED_RETENTION`.
const MAX_RETENTION: Duration = Duration::from_secs(3_653 * 24 * 3_600);

/// Parses a duration: `500ms`, `1s`, `2m`; a bare number means seconds.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let seconds = text.parse().map(Duration::from_secs);
    seconds.or_else(|_| humantime::parse_duration(text)).ok()
}

fn log_filter(text: &str) -> Result<Targets, String> {
    text.parse()
        .map_err(|error| format!("must be a level such as info, or levels per module: {error}"))
}

fn origin(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let is_origin = text.split_once("://").is_some_and(|(scheme, authority)| {
        let host = authority.strip_suffix(":*").unwrap_or(authority);
        !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#', '*', ' '])
    });
    if text == "*" || is_origin {
        Ok(text.to_owned())
    } else {
        Err(
            "must be an origin without a path, such as https://app.example.com; an origin with any port, such as \
             http://localhost:*; or * for any origin",
        )
    }
}
