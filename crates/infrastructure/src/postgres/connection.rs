//! Opens connections to Postgres, and checks the database at start-up.

use std::time::{Duration, Instant};

use diesel::connection::{CacheSize, Connection, SimpleConnection};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::{ConnectionError, ConnectionResult, QueryResult};
use diesel::sql_types::Bool;

use super::session::{PgSession, TimeoutScope};
use super::{migrate, pooler};
use crate::migrations::{self, MigrationCommand};
use crate::options::{DatabaseOptions, OpenError, StatementCache};
use crate::sql::StatementCacheState;
use crate::url::PostgresUrl;

/// Makes Postgres (12 and later) use generic plans. By default it may plan a page at each call, which takes longer than
/// reading it. Generic plans are as good here: each statement has its index.
///
/// If the table is partitioned, it makes Postgres use custom plans: a generic plan locks all partitions, so one partition
/// that is locked by another session would block all users. On Citus it changes nothing, because Citus cannot always tell
/// the shard from a generic plan.
const SET_PLAN_CACHE_MODE: &str = "SELECT set_config(name, mode, false) FROM pg_settings, \
    (SELECT CASE WHEN EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('todos') AND relkind = 'p') \
        THEN 'force_custom_plan' ELSE 'force_generic_plan' END AS mode) AS wanted \
    WHERE name = 'plan_cache_mode' AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')";

/// Whether the table is sharded by user: distributed by Citus, or partitioned.
const IS_SHARDED: &str = "EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') \
    OR EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('todos') AND relkind = 'p')";

/// Whether the role or the database has a `statement_timeout`.
const HAS_STATEMENT_TIMEOUT: &str = "current_setting('statement_timeout') <> '0'";

/// If a round trip takes longer, the server is reached over a network. Then waiting for a full batch takes more time than
/// it saves.
const MAX_LOCAL_ROUND_TRIP: Duration = Duration::from_micros(500);

/// How many round trips are measured at most. On a busy machine, some are slow.
const ROUND_TRIP_SAMPLES: usize = 20;

/// How sessions are set up and used.
#[derive(Debug, Clone)]
pub(super) struct SessionSettings {
    /// Whether prepared statements are cached.
    pub(super) statement_cache: StatementCacheState,
    /// How statements are canceled at their deadlines.
    pub(super) timeout_scope: TimeoutScope,
    /// The time limit for a call.
    pub(super) call_timeout: Duration,
    /// Whether the table is sharded by user. Then calls of different users are not batched.
    pub(super) is_sharded: bool,
    /// Whether the server is on the same machine, or as close. Then the cost of a statement is CPU time, not latency.
    pub(super) is_local: bool,
}

/// Adds parameters for libpq: keepalives, which detect dead peers, and the system's certificates.
fn with_defaults(url: &PostgresUrl) -> PostgresUrl {
    let url = url
        .clone()
        .with_default("connect_timeout", "5")
        .with_default("fallback_application_name", "todo-api")
        .with_default("keepalives_idle", "30")
        .with_default("keepalives_interval", "5")
        .with_default("keepalives_count", "3")
        .with_default("tcp_user_timeout", "10000")
        // libpq tries Kerberos first otherwise, whose library has been seen to abort at exit.
        .with_default("gssencmode", "disable");
    // The bundled OpenSSL does not know where this system keeps its certificates. Only for the modes that need them: with
    // a root certificate, libpq verifies the server even if `sslmode=require`.
    match (url.parameter("sslmode"), openssl_probe::probe().cert_file) {
        (Some("verify-ca" | "verify-full"), Some(file)) => {
            url.with_default("sslrootcert", &file.to_string_lossy())
        }
        _ => url,
    }
}

/// Opens a connection without a statement cache: a pooler may share the session, in which the statements would remain.
pub(super) fn establish(url: &PostgresUrl) -> ConnectionResult<PgConnection> {
    let connection = PgConnection::establish(&with_defaults(url).expose());
    let mut connection = connection.map_err(|error| match error {
        ConnectionError::BadConnection(text) => ConnectionError::BadConnection(url.redact(&text)),
        error => error,
    })?;
    connection.set_prepared_statement_cache_size(CacheSize::Disabled);
    Ok(connection)
}

/// Opens a connection and sets up its session.
pub(super) fn connect(
    url: &PostgresUrl,
    settings: &SessionSettings,
) -> ConnectionResult<PgSession> {
    let caches_statements = settings.statement_cache.is_enabled();
    let mut connection = establish(url)?;
    if caches_statements {
        connection.set_prepared_statement_cache_size(CacheSize::Unbounded);
    }
    if settings.timeout_scope == TimeoutScope::Session {
        connection
            .batch_execute(SET_PLAN_CACHE_MODE)
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
    }
    PgSession::new(connection, settings)
}

/// Connects, checks the server, detects poolers, and migrates if the options say so.
///
/// # Errors
/// If the server cannot be reached, its encoding is not UTF-8, a migration fails, or migrations are pending.
pub(super) fn open(
    url: &PostgresUrl,
    options: &DatabaseOptions,
) -> Result<SessionSettings, OpenError> {
    let mut first = establish(url)?;
    check_encoding(&mut first)?;

    let has_own_sessions = !pooler::shares_sessions(&mut first, || establish(url))?;
    let statement_cache = match options.statement_cache {
        StatementCache::Auto if has_own_sessions => StatementCacheState::until_lost(),
        StatementCache::Auto | StatementCache::Off => StatementCacheState::fixed(false),
        StatementCache::On => StatementCacheState::fixed(true),
    };
    if !has_own_sessions {
        if statement_cache.is_enabled() {
            tracing::warn!(
                "DATABASE_STATEMENT_CACHE=on, but the database is behind a pooler that shares sessions \
                 between clients: unless it tracks prepared statements (PgBouncer 1.21 and later with \
                 max_prepared_statements above 0), one client's statement can be executed as another's"
            );
        } else {
            tracing::info!("a pooler shares the database's sessions: no session state is used");
        }
    }

    let command =
        if options.migrate_on_start { MigrationCommand::Up } else { MigrationCommand::Status };
    let connect = || establish(url);
    let known = &super::MIGRATIONS;
    let status = migrate::run(&mut first, connect, known, command, options.migrate_timeout)?;
    migrations::require_all_applied(&status)?;
    Ok(SessionSettings {
        statement_cache,
        timeout_scope: if has_own_sessions {
            TimeoutScope::Session
        } else if diesel::select(sql::<Bool>(HAS_STATEMENT_TIMEOUT)).get_result(&mut first)? {
            TimeoutScope::Role
        } else {
            TimeoutScope::Transaction
        },
        call_timeout: options.timeout,
        is_sharded: diesel::select(sql::<Bool>(IS_SHARDED)).get_result(&mut first)?,
        is_local: is_local(&mut first)?,
    })
}

/// Whether the fastest of a few round trips is short.
fn is_local(connection: &mut PgConnection) -> QueryResult<bool> {
    for _ in 0..ROUND_TRIP_SAMPLES {
        let started_at = Instant::now();
        connection.batch_execute("SELECT 1")?;
        if started_at.elapsed() < MAX_LOCAL_ROUND_TRIP {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lengths are counted in characters only if the encoding is UTF-8.
fn check_encoding(connection: &mut PgConnection) -> Result<(), OpenError> {
    #[derive(QueryableByName)]
    struct Encoding {
        #[diesel(sql_type = diesel::sql_types::Text)]
        encoding: String,
    }
    let Encoding { encoding } =
        diesel::sql_query("SELECT current_setting('server_encoding') AS encoding")
            .get_result(connection)?;
    if encoding == "UTF8" { Ok(()) } else { Err(OpenError::Encoding(encoding)) }
}
