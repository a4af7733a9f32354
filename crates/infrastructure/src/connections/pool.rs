//! An r2d2 pool that validates connections only when they may be dead.
//!
//! Validating a connection before each use costs a round trip per call. Never validating it means that connections
//! that died while idle (the server was restarted, or a serverless database suspended) fail their next callers. So:
//!
//! - A connection is validated by a ping if it has been idle for longer than [`BYPASS_WINDOW`], or if another
//!   connection was found dead since its last use.
//! - Before any use that does not follow the last one immediately, messages that have already arrived are read. That
//!   takes no round trip, and finds out if the server has ended the session.
//! - A connection is closed after any error that is not an expected outcome of a statement. An error may report the
//!   loss of a connection, but of another one, between servers. And Diesel does not always notice that its own
//!   connection is lost. So after each error the connection itself is checked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::result::{ConnectionError, QueryResult};
use r2d2::{HandleError, ManageConnection};
use todo_domain::RepositoryError;

use super::failure::{
    CallError, is_canceled, is_expected_outcome, is_statement_lost, is_statement_outdated,
    missed_deadline, reports_lost_connection, was_terminated_by_administrator,
};
use super::invalidation::InvalidationMark;
use crate::message::one_line;
use crate::metrics::PoolConnections;
use crate::workers::{ABANDON_AFTER, Outcome};

/// A connection that was used this recently is not pinged. The default of `HikariCP`.
pub(crate) const BYPASS_WINDOW: Duration = Duration::from_millis(500);

/// A connection that was used this recently counts as in use: messages that have arrived since are not read.
const IN_USE_WINDOW: Duration = Duration::from_millis(1);

/// Idle connections are closed after this time, so that a serverless database can suspend.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// The longest pause between two attempts to connect, however long callers wait: a database that has recovered is used
/// again quickly.
const MAX_RECONNECT_PAUSE: Duration = Duration::from_millis(250);

/// Opens a connection and sets up its session.
pub(crate) type Connect<C> = dyn Fn() -> Result<C, ConnectionError> + Send + Sync;

/// A database session, as the pool uses it.
pub(crate) trait Session: Send + 'static {
    /// Validates the connection by a round trip.
    fn ping(&mut self) -> QueryResult<()>;

    /// Whether the connection is known to be unusable.
    fn is_broken(&mut self) -> bool;

    /// Fails if the server is known to have ended the session. Takes no round trip.
    fn check_terminated(&mut self) -> QueryResult<()>;

    /// Makes the next statement end at the deadline.
    fn set_deadline(&mut self, deadline: Instant) -> QueryResult<()>;

    /// Disables the statement cache of sessions that are opened from now on. Returns whether that is allowed.
    fn disable_statement_cache(&self) -> bool;
}

/// A pool of connections to one database.
pub(crate) struct Pool<C: Session> {
    inner: r2d2::Pool<Manager<C>>,
    /// For threads that replace abandoned ones, which hold connections of `inner`. A single pool of both sizes would
    /// open all its connections under load: r2d2 opens another whenever a waiting thread wakes up.
    spare: r2d2::Pool<Manager<C>>,
    possibly_dead: Arc<InvalidationMark>,
    outdated: Arc<InvalidationMark>,
}

impl<C: Session> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            spare: self.spare.clone(),
            possibly_dead: Arc::clone(&self.possibly_dead),
            outdated: Arc::clone(&self.outdated),
        }
    }
}

/// When a statement is retried on another connection after its own was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// Always: the statement reads, or is idempotent.
    Always,
    /// Only if the server has said that it did not execute the statement, which is not idempotent.
    IfNotExecuted,
}

impl<C: Session> Pool<C> {
    /// A pool with a connection for each thread, and so many spare ones for when abandoned threads hold these.
    /// Connections are opened on demand.
    pub(crate) fn new((threads, spare): (u32, u32), connect: &Arc<Connect<C>>) -> Self {
        let possibly_dead = Arc::new(InvalidationMark::new());
        let outdated = Arc::new(InvalidationMark::new());
        let pool = |max_size| {
            let manager = Manager {
                connect: Arc::clone(connect),
                possibly_dead: Arc::clone(&possibly_dead),
                outdated: Arc::clone(&outdated),
            };
            r2d2::Pool::builder()
                .max_size(max_size)
                .min_idle(Some(0))
                .idle_timeout(Some(IDLE_TIMEOUT))
                .test_on_check_out(true)
                // Each checkout has its own timeout. r2d2 uses this one for its pauses, which are up to half as long.
                .connection_timeout(MAX_RECONNECT_PAUSE * 2)
                .error_handler(Box::new(LogError))
                .build_unchecked(manager)
        };
        let (inner, spare) = (pool(threads), pool(spare));
        Self { inner, spare, possibly_dead, outdated }
    }

    /// How many connections there are. Counted when the returned function is called.
    pub(crate) fn connections(&self) -> impl Fn() -> PoolConnections + Send + Sync + 'static {
        let pools = [self.inner.clone(), self.spare.clone()];
        move || {
            let states = pools.each_ref().map(r2d2::Pool::state);
            let idle = states.iter().map(|it| it.idle_connections).sum();
            let open: u32 = states.iter().map(|it| it.connections).sum();
            let max = pools.iter().map(r2d2::Pool::max_size).sum();
            PoolConnections { idle, used: open.saturating_sub(idle), max }
        }
    }

    /// Waits for a connection until the deadline.
    fn check_out(
        &self,
        deadline: Instant,
    ) -> Result<r2d2::PooledConnection<Manager<C>>, r2d2::Error> {
        if let Some(connection) = self.inner.try_get() {
            return Ok(connection);
        }
        let timeout = deadline.saturating_duration_since(Instant::now());
        // There is a connection for each thread that is not abandoned. If all are in use, abandoned threads have some.
        let is_exhausted = self.inner.state().connections >= self.inner.max_size();
        let pool = if is_exhausted { &self.spare } else { &self.inner };
        pool.get_timeout(timeout)
    }

    /// Checks out a connection and runs a statement on it. The statement does not start after the deadline.
    pub(crate) fn run<T>(
        &self,
        deadline: Instant,
        retry: RetryPolicy,
        statement: impl Fn(&mut C) -> QueryResult<T>,
    ) -> (Result<T, RepositoryError>, Outcome) {
        let result = match self.run_once(deadline, retry, &statement) {
            Err(Failure { error, should_retry: true }) => {
                tracing::debug!(%error, "running the statement again, on another connection");
                self.run_once(deadline, retry, &statement)
            }
            result => result,
        };
        let result = result.map_err(|failure| failure.error);
        let outcome = match &result {
            Err(CallError::NoConnection(_) | CallError::Expired) => Outcome::NotStarted,
            Err(CallError::Statement(error)) if is_canceled(error) => Outcome::MissedDeadline,
            _ if Instant::now() >= deadline => Outcome::MissedDeadline,
            _ => Outcome::InTime,
        };
        (result.map_err(RepositoryError::from), outcome)
    }

    fn run_once<T>(
        &self,
        deadline: Instant,
        retry: RetryPolicy,
        statement: impl Fn(&mut C) -> QueryResult<T>,
    ) -> Result<T, Failure> {
        let mut checked_out = self.check_out(deadline).map_err(CallError::NoConnection)?;
        let pooled = &mut *checked_out;
        if Instant::now() >= deadline {
            return Err(CallError::Expired.into());
        }
        let result =
            pooled.session.set_deadline(deadline).and_then(|()| statement(&mut pooled.session));
        pooled.last_used = Instant::now();
        // This thread has been abandoned: the one that replaced it has its own connection.
        pooled.is_broken |= pooled.last_used > deadline + ABANDON_AFTER;
        result.map_err(|error| self.classify_error(error, pooled, retry))
    }

    /// Decides what a failed statement means for its connection, for the other connections, and for the call.
    fn classify_error(
        &self,
        error: diesel::result::Error,
        pooled: &mut PooledConnection<C>,
        retry: RetryPolicy,
    ) -> Failure {
        // The error may be about a connection between servers. This asks libpq for the state of this one.
        if pooled.session.check_terminated().is_err() {
            pooled.is_broken = true;
            self.possibly_dead.mark();
            let should_retry =
                retry == RetryPolicy::Always || was_terminated_by_administrator(&error);
            return Failure { error: CallError::ConnectionLost(error), should_retry };
        }
        pooled.is_broken |= !is_expected_outcome(&error) && !reports_lost_connection(&error);
        let is_unusable = is_statement_outdated(&error)
            || (is_statement_lost(&error) && pooled.session.disable_statement_cache());
        if is_unusable && !self.outdated.covers(pooled.opened_at) {
            self.outdated.mark();
        }
        if missed_deadline(&error) {
            self.possibly_dead.mark();
        }
        let should_retry = is_unusable || missed_deadline(&error);
        Failure { error: CallError::Statement(error), should_retry }
    }
}

/// A failed call, and whether to retry it.
struct Failure {
    error: CallError,
    should_retry: bool,
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self { error, should_retry: false }
    }
}

/// A session, and what the pool knows about its health.
pub(crate) struct PooledConnection<C> {
    session: C,
    /// Just before the attempt to connect.
    opened_at: Instant,
    last_used: Instant,
    is_broken: bool,
}

/// Opens, validates and closes connections for r2d2.
pub(crate) struct Manager<C> {
    connect: Arc<Connect<C>>,
    /// Covers connections, by their last use, that have to be pinged.
    possibly_dead: Arc<InvalidationMark>,
    /// Covers connections, by the time when they were opened, whose prepared statements are unusable.
    outdated: Arc<InvalidationMark>,
}

impl<C: Session> ManageConnection for Manager<C> {
    type Connection = PooledConnection<C>;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<PooledConnection<C>, Self::Error> {
        let opened_at = Instant::now();
        let session = (self.connect)().map_err(diesel::r2d2::Error::ConnectionError)?;
        Ok(PooledConnection { session, opened_at, last_used: Instant::now(), is_broken: false })
    }

    fn is_valid(&self, pooled: &mut PooledConnection<C>) -> Result<(), Self::Error> {
        if self.outdated.covers(pooled.opened_at) {
            let outdated = "the prepared statements of the connection are outdated".to_owned();
            return Err(diesel::r2d2::Error::ConnectionError(ConnectionError::BadConnection(
                outdated,
            )));
        }
        let idle = pooled.last_used.elapsed();
        if idle > IN_USE_WINDOW {
            pooled.session.check_terminated().map_err(diesel::r2d2::Error::QueryError)?;
        }
        if idle <= BYPASS_WINDOW && !self.possibly_dead.covers(pooled.last_used) {
            return Ok(());
        }
        pooled.session.ping().map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, pooled: &mut PooledConnection<C>) -> bool {
        pooled.is_broken
            || std::thread::panicking()
            || pooled.session.is_broken()
            || self.outdated.covers(pooled.opened_at)
    }
}

/// Logs why a connection could not be opened or is invalid. Callers get their own errors.
#[derive(Debug)]
struct LogError;

impl HandleError<diesel::r2d2::Error> for LogError {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        tracing::warn!(error = %one_line(&error.to_string()), "cannot open or validate a connection");
    }
}
