//! Migrates Postgres while it is in use.
//!
//! One instance at a time migrates, under an advisory lock of a transaction, which works behind a pooler, too. Other
//! instances poll for the lock instead of waiting for it in the server: a statement that waits there has a snapshot, and
//! `CREATE INDEX CONCURRENTLY` in the other instance would wait for that.
//!
//! While a migration waits for a lock on a table, all later calls wait behind it. So it waits only briefly
//! ([`LOCK_TIMEOUT`]), lets these calls run, and tries again.

use std::time::Duration;

use diesel::connection::{BoxableConnection, SimpleConnection};
use diesel::dsl::sql;
use diesel::migration::{self, MigrationMetadata, MigrationName};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::{ConnectionResult, QueryResult};
use diesel::sql_types::{BigInt, Bool};

use super::connection::establish;
use super::split::split_statements;
use crate::migrations::{
    self, Migration, MigrationCommand, MigrationStatus, Migrations, RustMigration, Step, WaitLimit,
};
use crate::options::OpenError;
use crate::url::PostgresUrl;

/// The key of the advisory lock: "todo" in ASCII.
const MIGRATION_LOCK: i64 = 0x746f_646f;

/// The interval at which an instance polls for the advisory lock.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Limits how long a migration waits for a lock on a table, and blocks others: to well below any `DATABASE_TIMEOUT`.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '100ms'; SET LOCAL statement_timeout = 0";

/// The pause after that, in which other calls can use the table.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

const OTHER_INSTANCE: &str = "another instance is migrating the database";
const OTHER_LOCKS: &str =
    "open transactions hold locks on tables that the migration changes (see pg_locks)";

/// Keeps an idle transaction open while another connection migrates.
const DISABLE_IDLE_TIMEOUTS: &str = "SELECT set_config(name, '0', true) FROM pg_settings \
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')";

/// Executes a migration command on a new connection.
///
/// # Errors
/// If the server cannot be reached, a migration fails, or it has waited for `timeout`.
pub(crate) fn migrate(
    url: &PostgresUrl,
    migrations: &Migrations,
    command: MigrationCommand,
    timeout: Duration,
) -> Result<Vec<MigrationStatus>, OpenError> {
    run(&mut establish(url)?, || establish(url), migrations, command, timeout)
}

/// Executes a migration command, and returns the status of all known migrations. `connect` opens another connection to
/// the same database.
///
/// # Errors
/// If a migration fails, or it has waited for `timeout`. Migrations that run in a transaction are rolled back.
pub(super) fn run(
    connection: &mut PgConnection,
    connect: impl Fn() -> ConnectionResult<PgConnection>,
    known: &Migrations,
    command: MigrationCommand,
    timeout: Duration,
) -> Result<Vec<MigrationStatus>, OpenError> {
    let mut wait_limit = WaitLimit::new(timeout);
    loop {
        match attempt(connection, &connect, known, command, timeout) {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => wait_limit.pause(POLL_INTERVAL, OTHER_INSTANCE)?,
            Err(error) if is_lock_timeout(&error) => wait_limit.pause(RETRY_PAUSE, OTHER_LOCKS)?,
            Err(error) => return Err(error),
        }
    }
}

/// `None` if another instance has the lock.
fn attempt(
    connection: &mut PgConnection,
    connect: &impl Fn() -> ConnectionResult<PgConnection>,
    known: &Migrations,
    command: MigrationCommand,
    timeout: Duration,
) -> Result<Option<Vec<MigrationStatus>>, OpenError> {
    // In read committed it has no snapshot between statements, for which CREATE INDEX CONCURRENTLY would wait.
    connection.build_transaction().read_committed().run(|lock_holder| {
        let lock =
            sql::<Bool>("pg_try_advisory_xact_lock(").bind::<BigInt, _>(MIGRATION_LOCK).sql(")");
        if !diesel::select(lock).get_result(lock_holder)? {
            return Ok(None);
        }
        let steps = migrations::steps(known, &applied(lock_holder)?, command)?;
        let is_distributed = !steps.is_empty() && is_distributed(lock_holder)?;
        let applied = if steps.iter().all(|step| step.migration.in_transaction) && !is_distributed {
            lock_holder.batch_execute(LOCK_TIMEOUT)?;
            for Step { migration, is_up } in steps {
                migrations::execute_step(lock_holder, is_up, migration)?;
            }
            applied(lock_holder)?
        } else {
            lock_holder.batch_execute(DISABLE_IDLE_TIMEOUTS)?;
            let mut worker = connect()?;
            for step in &steps {
                execute_step_separately(&mut worker, step, is_distributed, timeout)?;
            }
            // The other session may not notice before the end of its transaction that Diesel's table exists now.
            applied(&mut worker)?
        };
        Ok(Some(migrations::status(known, &applied)))
    })
}

/// Executes a step in its own transaction or in none, on a connection other than the one that holds the lock.
fn execute_step_separately(
    worker: &mut PgConnection,
    step: &Step<'_>,
    is_distributed: bool,
    timeout: Duration,
) -> Result<(), OpenError> {
    let Step { migration, is_up } = *step;
    if !migration.in_transaction || is_distributed {
        let statement_by_statement = StatementByStatement { migration, timeout };
        return migrations::execute_step(worker, is_up, &statement_by_statement);
    }
    retry_on_lock_timeout(timeout, || {
        worker.transaction(|worker| {
            worker.batch_execute(LOCK_TIMEOUT)?;
            migrations::execute_step(worker, is_up, migration)
        })
    })
}

/// Retries, with pauses, after each lock timeout.
fn retry_on_lock_timeout(
    timeout: Duration,
    mut attempt: impl FnMut() -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let mut wait_limit = WaitLimit::new(timeout);
    loop {
        match attempt() {
            Err(error) if is_lock_timeout(&error) => wait_limit.pause(RETRY_PAUSE, OTHER_LOCKS)?,
            result => return result,
        }
    }
}

fn is_lock_timeout(error: &OpenError) -> bool {
    let message = match error {
        OpenError::Migration(error) => error.to_string(),
        OpenError::Query(error) => error.to_string(),
        _ => return false,
    };
    message.contains("canceling statement due to lock timeout")
}

fn applied(connection: &mut PgConnection) -> QueryResult<Vec<String>> {
    migrations::applied!(
        connection,
        "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS it"
    )
}

/// Whether the table is a distributed table of Citus.
fn is_distributed(connection: &mut PgConnection) -> QueryResult<bool> {
    let has_citus = sql::<Bool>("to_regclass('pg_dist_partition') IS NOT NULL");
    if !diesel::select(has_citus).get_result(connection)? {
        return Ok(false);
    }
    let is_listed =
        "EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass('todos'))";
    diesel::select(sql::<Bool>(is_listed)).get_result(connection)
}

/// Runs the statements of a migration one at a time.
struct StatementByStatement<'a> {
    migration: &'a Migration,
    timeout: Duration,
}

impl StatementByStatement<'_> {
    fn execute(
        &self,
        connection: &mut dyn BoxableConnection<Pg>,
        sql: &str,
    ) -> migration::Result<()> {
        for statement in split_statements(sql)? {
            if self.migration.in_transaction {
                retry_on_lock_timeout(self.timeout, || in_transaction(connection, statement))?;
            } else {
                // Statements that cannot run in a transaction wait without blocking others.
                connection.batch_execute(statement)?;
            }
        }
        Ok(())
    }
}

/// Runs a statement in its own transaction, in which timeouts can be set even if a pooler shares the session.
///
/// Citus requires this: it forwards the text of a schema change as one statement, and a transaction that has changed a
/// distributed table may not write to other tables.
fn in_transaction(
    connection: &mut dyn BoxableConnection<Pg>,
    statement: &str,
) -> Result<(), OpenError> {
    connection.batch_execute("BEGIN")?;
    let result = connection
        .batch_execute(LOCK_TIMEOUT)
        .and_then(|()| connection.batch_execute(statement))
        .and_then(|()| connection.batch_execute("COMMIT"));
    if result.is_err() {
        // If this fails, the connection is lost, and the server rolls back.
        drop(connection.batch_execute("ROLLBACK"));
    }
    Ok(result?)
}

impl migration::Migration<Pg> for StatementByStatement<'_> {
    fn run(&self, connection: &mut dyn BoxableConnection<Pg>) -> migration::Result<()> {
        let Some(RustMigration::Postgres(run)) = self.migration.rust else {
            return self.execute(connection, &self.migration.up);
        };
        let connection = connection.downcast_mut::<PgConnection>();
        let connection = connection.ok_or("the connection is not a PgConnection")?;
        Ok(connection.transaction(run)?)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<Pg>) -> migration::Result<()> {
        // Empty for a migration written in Rust.
        self.execute(connection, &self.migration.down)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self
    }

    fn name(&self) -> &dyn MigrationName {
        self.migration
    }
}

impl MigrationMetadata for StatementByStatement<'_> {
    fn run_in_transaction(&self) -> bool {
        false
    }
}
