//! The composition root: combines settings, database and server.

mod commands;
mod observers;
mod relay;
mod sockets;

use std::io::Write;
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::Parser;
use clap::error::ErrorKind;
use governor::Quota;
use mimalloc::MiMalloc;
use todo_api::identity::verifier::{Verifier, VerifierOptions};
use todo_api::identity::{Authentication, subject, time};
use todo_api::metrics::Metrics;
use todo_api::sandbox::faults::Faults;
use todo_api::sandbox::seed::seed;
use todo_api::sandbox::text::banner;
use todo_api::server::{Server, ServerOptions};
use todo_api::settings::{Cli, Command, MigrateDirection, Settings, StatementCache};
use todo_api::traces::{TraceOptions, Traces};
use todo_api::{openapi, purge};
use todo_domain::{ChangeRelay, Clock, SystemClock, TodoService};
use todo_infrastructure::{DatabaseOptions, DatabaseUrl, MigrationCommand, Observers};
use tokio::signal::unix::{SignalKind, signal};

use crate::sockets::{allow_open_files, listen};

// Database threads allocate what HTTP threads free. With glibc they contend for it: a list of 20 takes 20 % longer.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The exit code for invalid settings.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    if let Err(error) = dotenvy::dotenv()
        && !error.not_found()
    {
        return fail(USAGE, &anyhow!(".env: {}", dotenv_problem(&error)));
    }
    let Cli { command, mut settings } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error)
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) =>
        {
            drop(error.print());
            return ExitCode::SUCCESS;
        }
        Err(error) => return fail(USAGE, &anyhow!(usage_problem(&error))),
    };
    let command = command.unwrap_or(Command::Serve);
    let ignores_database = settings.database_url.is_some() || settings.database_url_file.is_some();
    if let Command::Sandbox(_) = command {
        settings = settings.for_sandbox();
    }
    let url = settings.database_url().and_then(|(url, setting)| {
        url.parse::<DatabaseUrl>().map_err(|error| format!("{setting}: {error}"))
    });
    let (url, rate_limit, traces) =
        match (url, settings.requests.quota(), settings.traces.options()) {
            (Ok(url), Ok(rate_limit), Ok(traces)) => (url, rate_limit, traces),
            (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => {
                return fail(USAGE, &anyhow!(error));
            }
        };
    let relay = match relay::relay(&settings, &url) {
        Ok(relay) => relay,
        Err(error) => return fail(USAGE, &anyhow!(error)),
    };
    let verifier = match command {
        Command::Serve => settings.identity.verifier(),
        _ => Ok(None),
    };
    let verifier = match verifier {
        Ok(verifier) => verifier,
        Err(error) => return fail(USAGE, &anyhow!(error)),
    };
    let result = match command {
        Command::Serve => serve(settings, &url, rate_limit, traces, verifier, relay, None),
        Command::Sandbox(options) => {
            let faults = Arc::new(Faults::new(&options));
            let sandbox = Some(Sandbox { faults, ignores_database });
            serve(settings, &url, rate_limit, traces, None, None, sandbox)
        }
        Command::Migrate { direction } => migrate(&settings, &url, direction),
        Command::Openapi => print(&openapi::json(settings.identity.auth)),
        Command::UserId { subject, issuer } => {
            let issuer = issuer.as_deref().or(settings.identity.only_issuer());
            match subject::of_text(&subject, issuer) {
                Ok(user) => print(&format!("{user}\n")),
                Err(problem) => return fail(USAGE, &anyhow!(problem)),
            }
        }
        Command::Operator(command) => commands::run(command, &settings, &url),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &error),
    }
}

/// What a sandbox has in addition to a server.
struct Sandbox {
    faults: Arc<Faults>,
    /// Whether a database is configured, which the sandbox ignores.
    ignores_database: bool,
}

fn serve(
    settings: Settings,
    url: &DatabaseUrl,
    rate_limit: Option<Quota>,
    traces: Option<TraceOptions>,
    verifier: Option<VerifierOptions>,
    relay: Option<Arc<dyn ChangeRelay>>,
    sandbox: Option<Sandbox>,
) -> anyhow::Result<()> {
    let shutdown_delay = settings.shutdown_delay();
    let log_requests = settings.requests.log_requests;
    // Dropped last, so that everything until the end is logged.
    let _log = todo_api::logging::start(settings.log_format, settings.rust_log, log_requests)
        .context("cannot start the log")?;
    let listener = listen((settings.host, settings.port).into()).with_context(|| {
        format!("HOST, PORT: cannot listen on {}:{}", settings.host, settings.port)
    })?;
    let mut metrics = observers::metrics(settings.metrics_address, settings.max_connections)?;
    let options = DatabaseOptions {
        pool_size: settings.database_pool_size,
        timeout: settings.database_timeout,
        bulk_timeout: settings.bulk_timeout,
        queue_capacity: settings.database_queue_size,
        statement_cache: match settings.database_statement_cache {
            StatementCache::Auto => todo_infrastructure::StatementCache::Auto,
            StatementCache::On => todo_infrastructure::StatementCache::On,
            StatementCache::Off => todo_infrastructure::StatementCache::Off,
        },
        migrate_on_start: settings.migrate_on_start,
        migrate_timeout: settings.migrate_timeout,
    };
    let authentication = authentication(verifier, settings.host)?;
    if let Some(metrics) = &mut metrics {
        metrics.add_key_set(&authentication);
    }
    allow_open_files(settings.max_connections, settings.database_pool_size);
    let traces = traces.map(Traces::start);
    let observers = Observers {
        registry: metrics.as_mut().map(Metrics::registry),
        tracer: traces.as_ref().map(|_| observers::call_tracer()),
    };
    let repository = todo_infrastructure::open_observed(url, &options, observers)
        .with_context(|| format!("DATABASE_URL: {url}"))?;
    let service = TodoService::new(Arc::clone(&repository), Arc::new(SystemClock))
        .with_quota(settings.requests.max_todos_per_user);
    let purge = purge::run(service.clone(), settings.deleted_retention);
    let server = Server::new(
        listener,
        service,
        ServerOptions {
            workers: settings.http_workers,
            max_connections: settings.max_connections,
            max_streams: settings.max_streams,
            keep_alive: settings.keep_alive,
            database_timeout: settings.database_timeout.max(settings.bulk_timeout),
            cors_allowed_origins: settings.cors_allowed_origins,
            shutdown_delay,
            shutdown_timeout: settings.shutdown_timeout,
            authentication,
            rate_limit,
            sandbox: sandbox.as_ref().map(|it| Arc::clone(&it.faults)),
        },
    );
    let address = format!("http://{}", server.address()?);
    if let Some(metrics) = &metrics {
        tracing::info!(url = format!("http://{}/metrics", metrics.address()?), "serving metrics");
    }
    let server = server.with_metrics(metrics).with_traces(traces.clone()).with_relay(relay);
    let result = actix_web::rt::System::new().block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        if let Some(Sandbox { faults, ignores_database }) = sandbox {
            seed(repository, SystemClock.now()).await?;
            print(&banner(&address, &faults, ignores_database))?;
        }
        actix_web::rt::spawn(purge);
        tracing::info!(
            address,
            docs = format!("{address}/docs"),
            database = %url,
            shutdown_delay = %humantime::format_duration(shutdown_delay),
            "listening"
        );
        server.run(stop).await.context("cannot serve")
    });
    if let Some(traces) = traces {
        traces.stop();
    }
    result
}

/// Decides how callers are identified, and warns about what an operator may not intend.
fn authentication(
    verifier: Option<VerifierOptions>,
    host: IpAddr,
) -> anyhow::Result<Authentication> {
    let Some(options) = verifier else {
        if !host.is_loopback() {
            tracing::warn!(
                %host,
                "AUTH is header: anybody who reaches this port can act as any user, unless a gateway sets X-User-ID"
            );
        }
        return Ok(Authentication::Header);
    };
    for warning in options.policy.warnings() {
        tracing::warn!("{warning}");
    }
    let verifier = Verifier::start(options, time::system()).map_err(|error| anyhow!(error))?;
    Ok(Authentication::Jwt(verifier))
}

fn migrate(
    settings: &Settings,
    url: &DatabaseUrl,
    direction: MigrateDirection,
) -> anyhow::Result<()> {
    let command = match direction {
        MigrateDirection::Up => MigrationCommand::Up,
        MigrateDirection::Down { count } => MigrationCommand::Down(count),
        MigrateDirection::Status => MigrationCommand::Status,
    };
    let status = todo_infrastructure::migrate(url, command, settings.migrate_timeout)
        .with_context(|| format!("DATABASE_URL: {url}"))?;
    status.iter().try_for_each(|it| {
        let state = if it.is_applied { "applied" } else { "pending" };
        print(&format!("{state} {}\n", it.name))
    })
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}

/// What is wrong with the arguments, without clap's hints and without anything that may be a misplaced database URL.
fn usage_problem(error: &clap::Error) -> String {
    let text = error.to_string();
    let problem = text.split("\n\n").next().unwrap_or_default();
    // clap quotes the part of the arguments that it does not understand.
    let quoted = problem.split('\'').enumerate().map(|(index, part)| {
        let may_hold_password =
            index % 2 == 1 && (part.contains(['@', '=']) || part.contains("postgres"));
        if may_hold_password { "***" } else { part }
    });
    on_one_line(&quoted.collect::<Vec<_>>().join("'"))
}

/// What is wrong with `.env`, without the line itself, which may contain a password.
fn dotenv_problem(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(_, position) => format!(
            "a line cannot be parsed from character {position} on: write NAME=value, and put values that contain \
             spaces, '#' or quotes in single quotes"
        ),
        other => other.to_string(),
    }
}

/// Prints one line on standard error: what is wrong, and with which setting.
fn fail(code: u8, error: &anyhow::Error) -> ExitCode {
    let line = on_one_line(&format!("{error:#}"));
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    // If standard error is closed, only the exit code reports the failure.
    drop(writeln!(std::io::stderr(), "error: {line}"));
    ExitCode::from(code)
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
