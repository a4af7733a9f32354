//! Opening connections to Postgres, and what is done once at start-up.

use std::time::{Duration, Instant};

use diesel::connection::{CacheSize, Connection, SimpleConnection};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::{ConnectionError, ConnectionResult, QueryResult};
use diesel::sql_types::Bool;

use super::session::{Limit, PgSession};
use super::{migrate, pooler};
use crate::migrations::{self, MigrationCommand};
use crate::options::{DatabaseOptions, OpenError, StatementCache};
use crate::sql::StatementReuse;
use crate::url::PostgresUrl;

/// Has statements planned once for all values, where the server knows how (Postgres 12 and later). Left to itself it
/// may plan a page anew at each call, which takes longer than reading it. The plans are the same for all: each
/// statement has its index. Where the table is partitioned it is the other way round: such a plan locks all
/// partitions, and one that is locked by somebody else then stops everybody. Citus is left to itself: of a statement
/// whose values it does not know it cannot always tell the shard.
const PLAN_MODE: &str = "SELECT set_config(name, mode, false) FROM pg_settings, \
    (SELECT CASE WHEN EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('todos') AND relkind = 'p') \
        THEN 'force_custom_plan' ELSE 'force_generic_plan' END AS mode) AS wanted \
    WHERE name = 'plan_cache_mode' AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')";

/// Whether users have their todos in different places: with Citus on different servers, else in partitions.
const IS_SHARDED: &str = "EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') \
    OR EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('todos') AND relkind = 'p')";

/// Whether statements are ended after some time without our doing.
const HAS_TIMEOUT: &str = "current_setting('statement_timeout') <> '0'";

/// A way to the server and back that takes longer than that leads through a network, where waiting for a full batch would
/// cost more time than it saves.
const NEAR: Duration = Duration::from_micros(500);

/// How many ways are tried: on a busy machine some take long.
const WAYS: usize = 20;

/// How the sessions are used.
#[derive(Debug, Clone)]
pub(super) struct SessionSettings {
    /// Whether statements are prepared under names that outlive a transaction.
    pub(super) statement_reuse: StatementReuse,
    /// How statements are ended at their deadlines.
    pub(super) limit: Limit,
    /// How long a call may take in all.
    pub(super) timeout: Duration,
    /// Whether users have their todos in different places, so that one statement had better be for one user.
    pub(super) is_sharded: bool,
    /// Whether the server is so near that statements cost processors more than time.
    pub(super) is_near: bool,
}

/// Adds what libpq needs to be told: to notice dead peers, to find the system's certificates.
fn with_defaults(url: &PostgresUrl) -> PostgresUrl {
    let url = url
        .clone()
        .with_default("connect_timeout", "5")
        .with_default("fallback_application_name", "todo-api")
        .with_default("keepalives_idle", "30")
        .with_default("keepalives_interval", "5")
        .with_default("keepalives_count", "3")
        .with_default("tcp_user_timeout", "10000")
        // Kerberos is asked first otherwise, and its library has been seen to abort at exit.
        .with_default("gssencmode", "disable");
    // The bundled OpenSSL does not know where this system keeps its certificates. Only where they are asked
    // for: with `sslmode=require`, a certificate to check against would make it stricter than it says.
    match (url.parameter("sslmode"), openssl_probe::probe().cert_file) {
        (Some("verify-ca" | "verify-full"), Some(file)) => {
            url.with_default("sslrootcert", &file.to_string_lossy())
        }
        _ => url,
    }
}

/// Opens a connection that keeps no statements prepared: they would be left behind in a session that others share.
pub(super) fn establish(url: &PostgresUrl) -> ConnectionResult<PgConnection> {
    let connection = PgConnection::establish(&with_defaults(url).expose());
    let mut connection = connection.map_err(|error| match error {
        ConnectionError::BadConnection(text) => {
            ConnectionError::BadConnection(url.without_secrets(&text))
        }
        error => error,
    })?;
    connection.set_prepared_statement_cache_size(CacheSize::Disabled);
    Ok(connection)
}

/// Opens a connection and sets its session up.
pub(super) fn connect(
    url: &PostgresUrl,
    settings: &SessionSettings,
) -> ConnectionResult<PgSession> {
    let reuses_statements = settings.statement_reuse.is_on();
    let mut connection = establish(url)?;
    if reuses_statements {
        connection.set_prepared_statement_cache_size(CacheSize::Unbounded);
    }
    if settings.limit == Limit::Session {
        connection.batch_execute(PLAN_MODE).map_err(ConnectionError::CouldntSetupConfiguration)?;
    }
    PgSession::new(connection, settings)
}

/// Connects once, checks the server, finds out about poolers, and migrates if told to.
///
/// # Errors
/// When the server cannot be reached, is not fit, or lacks migrations that are not to be made.
pub(super) fn open(
    url: &PostgresUrl,
    options: &DatabaseOptions,
) -> Result<SessionSettings, OpenError> {
    let mut first = establish(url)?;
    check_encoding(&mut first)?;

    let sessions_are_ours = !pooler::shares_sessions(&mut first, || establish(url))?;
    let statement_reuse = match options.statement_cache {
        StatementCache::Auto if sessions_are_ours => StatementReuse::until_lost(),
        StatementCache::Auto | StatementCache::Off => StatementReuse::fixed(false),
        StatementCache::On => StatementReuse::fixed(true),
    };
    if !sessions_are_ours {
        if statement_reuse.is_on() {
            tracing::warn!(
                "DATABASE_STATEMENT_CACHE=on, but the database is behind a pooler that shares sessions \
                 between clients: unless it tracks prepared statements (PgBouncer 1.21 and later with \
                 max_prepared_statements above 0), one client's statement can be executed as another's"
            );
        } else {
            tracing::info!("a pooler shares the database's sessions: nothing is kept in a session");
        }
    }

    let command =
        if options.migrate_on_start { MigrationCommand::Up } else { MigrationCommand::Status };
    let connect = || establish(url);
    let known = &super::MIGRATIONS;
    let status = migrate::run(&mut first, connect, known, command, options.migrate_timeout)?;
    migrations::require_all_applied(&status)?;
    Ok(SessionSettings {
        statement_reuse,
        limit: if sessions_are_ours {
            Limit::Session
        } else if diesel::select(sql::<Bool>(HAS_TIMEOUT)).get_result(&mut first)? {
            Limit::Role
        } else {
            Limit::Transaction
        },
        timeout: options.timeout,
        is_sharded: diesel::select(sql::<Bool>(IS_SHARDED)).get_result(&mut first)?,
        is_near: is_near(&mut first)?,
    })
}

/// Whether the shortest of a few ways to the server and back is short.
fn is_near(connection: &mut PgConnection) -> QueryResult<bool> {
    for _ in 0..WAYS {
        let begun = Instant::now();
        connection.batch_execute("SELECT 1")?;
        if begun.elapsed() < NEAR {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lengths count characters only where the database keeps Unicode.
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
