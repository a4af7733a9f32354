//! Migrating Postgres while others use it.
//!
//! One copy at a time, under an advisory lock that a transaction holds: so a pooler cannot part the lock from the work.
//! A copy that finds it taken asks again and again instead of waiting in the server, for a statement that waits there
//! has a snapshot, which `CREATE INDEX CONCURRENTLY` in the other copy would wait for.
//!
//! A change that waits for a lock on a table has all later calls wait behind it. So it waits for a moment only
//! ([`LOCK_TIMEOUT`]), lets the calls pass, and tries again.

use std::time::Duration;

use diesel::connection::{BoxableConnection, SimpleConnection};
use diesel::dsl::sql;
use diesel::migration::{self, MigrationMetadata, MigrationName};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::{ConnectionResult, QueryResult};
use diesel::sql_types::{BigInt, Bool};

use super::connection::establish;
use super::split::statements;
use crate::migrations::{
    self, Code, Migration, MigrationCommand, MigrationStatus, Migrations, Patience, Step,
};
use crate::options::OpenError;
use crate::url::PostgresUrl;

/// The lock that copies of this program take before they migrate: the letters "todo".
const MIGRATION_LOCK: i64 = 0x746f_646f;

/// How often a copy asks whether another has done.
const POLL: Duration = Duration::from_millis(100);

/// For how long a change waits for a lock on a table, and has others wait behind it: well below any `DATABASE_TIMEOUT`.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '100ms'; SET LOCAL statement_timeout = 0";

/// How long the others then have the table for themselves.
const PAUSE: Duration = Duration::from_millis(500);

const OTHER_COPY: &str = "another copy of the program is migrating the database";
const OTHER_LOCKS: &str =
    "transactions that stay open hold locks on what the migration changes (pg_locks tells which)";

/// Has a transaction stay open for as long as the work takes on another connection.
const STAY_OPEN: &str = "SELECT set_config(name, '0', true) FROM pg_settings \
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')";

/// Carries out a migration command on a connection of its own.
///
/// # Errors
/// When the server cannot be reached, a migration fails, or it has waited for others for so long.
pub(crate) fn migrate(
    url: &PostgresUrl,
    migrations: &Migrations,
    command: MigrationCommand,
    timeout: Duration,
) -> Result<Vec<MigrationStatus>, OpenError> {
    run(&mut establish(url)?, || establish(url), migrations, command, timeout)
}

/// Carries a command out; tells of all migrations that are known how they stand then. `connect` opens another
/// connection to the same database.
///
/// # Errors
/// When a migration fails, or the time for waiting is up. Of migrations that are transactions nothing is done then.
pub(super) fn run(
    connection: &mut PgConnection,
    connect: impl Fn() -> ConnectionResult<PgConnection>,
    known: &Migrations,
    command: MigrationCommand,
    timeout: Duration,
) -> Result<Vec<MigrationStatus>, OpenError> {
    let mut patience = Patience::new(timeout);
    loop {
        match attempt(connection, &connect, known, command, timeout) {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => patience.pause(POLL, OTHER_COPY)?,
            Err(error) if is_lock_timeout(&error) => patience.pause(PAUSE, OTHER_LOCKS)?,
            Err(error) => return Err(error),
        }
    }
}

/// `None` where another copy has the lock.
fn attempt(
    connection: &mut PgConnection,
    connect: &impl Fn() -> ConnectionResult<PgConnection>,
    known: &Migrations,
    command: MigrationCommand,
    timeout: Duration,
) -> Result<Option<Vec<MigrationStatus>>, OpenError> {
    // Read committed: between its statements it has no snapshot that others would wait for.
    connection.build_transaction().read_committed().run(|holder| {
        let lock =
            sql::<Bool>("pg_try_advisory_xact_lock(").bind::<BigInt, _>(MIGRATION_LOCK).sql(")");
        if !diesel::select(lock).get_result(holder)? {
            return Ok(None);
        }
        let steps = migrations::steps(known, &applied(holder)?, command)?;
        let is_distributed = !steps.is_empty() && is_distributed(holder)?;
        if steps.iter().all(|step| step.migration.in_transaction) && !is_distributed {
            holder.batch_execute(LOCK_TIMEOUT)?;
            for Step { migration, is_up } in steps {
                migrations::carry_out(holder, is_up, migration)?;
            }
        } else {
            holder.batch_execute(STAY_OPEN)?;
            let mut worker = connect()?;
            for step in &steps {
                carry_out_alone(&mut worker, step, is_distributed, timeout)?;
            }
        }
        Ok(Some(migrations::status(known, &applied(holder)?)))
    })
}

/// Carries a step out by itself, on a connection that holds no lock.
fn carry_out_alone(
    worker: &mut PgConnection,
    step: &Step<'_>,
    is_distributed: bool,
    timeout: Duration,
) -> Result<(), OpenError> {
    let Step { migration, is_up } = *step;
    if !migration.in_transaction || is_distributed {
        let one_by_one = OneByOne { migration, timeout };
        return migrations::carry_out(worker, is_up, &one_by_one);
    }
    patiently(timeout, || {
        worker.transaction(|worker| {
            worker.batch_execute(LOCK_TIMEOUT)?;
            migrations::carry_out(worker, is_up, migration)
        })
    })
}

/// Tries again, in pauses, as long as others hold locks.
fn patiently(
    timeout: Duration,
    mut attempt: impl FnMut() -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let mut patience = Patience::new(timeout);
    loop {
        match attempt() {
            Err(error) if is_lock_timeout(&error) => patience.pause(PAUSE, OTHER_LOCKS)?,
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

/// Whether Citus has spread the table over its workers.
fn is_distributed(connection: &mut PgConnection) -> QueryResult<bool> {
    let has_citus = sql::<Bool>("to_regclass('pg_dist_partition') IS NOT NULL");
    if !diesel::select(has_citus).get_result(connection)? {
        return Ok(false);
    }
    let is_there =
        "EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass('todos'))";
    diesel::select(sql::<Bool>(is_there)).get_result(connection)
}

/// A migration whose statements are sent one at a time.
struct OneByOne<'a> {
    migration: &'a Migration,
    timeout: Duration,
}

impl OneByOne<'_> {
    fn execute(
        &self,
        connection: &mut dyn BoxableConnection<Pg>,
        sql: &str,
    ) -> migration::Result<()> {
        for statement in statements(sql)? {
            if self.migration.in_transaction {
                patiently(self.timeout, || in_transaction(connection, statement))?;
            } else {
                // What has to stay out of transactions waits without a lock that stops others.
                connection.batch_execute(statement)?;
            }
        }
        Ok(())
    }
}

/// A statement in a transaction of its own, because only there the timeouts can be set where a pooler shares sessions.
///
/// So it is with Citus: it passes on the text of a change, and takes it for one statement; and a transaction that has
/// changed a distributed table may not write to others.
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
        // Where the connection is lost, so is the transaction.
        drop(connection.batch_execute("ROLLBACK"));
    }
    Ok(result?)
}

impl migration::Migration<Pg> for OneByOne<'_> {
    fn run(&self, connection: &mut dyn BoxableConnection<Pg>) -> migration::Result<()> {
        let Some(Code::Postgres(code)) = self.migration.code else {
            return self.execute(connection, &self.migration.up);
        };
        let connection = connection.downcast_mut::<PgConnection>();
        let connection = connection.ok_or("a connection of another type")?;
        Ok(connection.transaction(code)?)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<Pg>) -> migration::Result<()> {
        // Nothing, where it is code.
        self.execute(connection, &self.migration.down)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self
    }

    fn name(&self) -> &dyn MigrationName {
        self.migration
    }
}

impl MigrationMetadata for OneByOne<'_> {
    fn run_in_transaction(&self) -> bool {
        false
    }
}
