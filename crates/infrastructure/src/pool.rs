//! An r2d2 pool whose connections are trusted only while they are warm.
//!
//! Asking a connection whether it lives before each use costs a round trip a call; never asking means that
//! connections which died while idle (a restarted server, a serverless database that went to sleep) fail
//! their next callers. So a connection is asked when it has been idle for longer than
//! [`BYPASS_WINDOW`], or when another connection was found dead since its last use. What has arrived unasked is
//! read before each use that does not follow the last at once, for that costs no round trip: a server that ended
//! the session has said so. And a connection is given up after any error that is not an expected outcome of a statement: Diesel does not always
//! notice that it broke.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::result::{ConnectionError, QueryResult};
use r2d2::{HandleError, ManageConnection};
use todo_domain::RepositoryError;

use crate::error::{is_canceled, is_expected_outcome, is_lost_connection, was_not_executed};
use crate::workers::{GIVE_UP_AFTER, Outcome};

/// For how long after its last use a connection is trusted without being asked. The figure of `HikariCP`.
pub(crate) const BYPASS_WINDOW: Duration = Duration::from_millis(500);

/// A connection that was used so short a time ago is as good as in use: what has arrived since is not looked at.
const IN_USE: Duration = Duration::from_millis(1);

/// After this time without use a connection is closed, so that a serverless database can go to sleep.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// The longest pause between two attempts to connect, however long callers are ready to wait: a database that is
/// back is used again at once.
const MAX_RECONNECT_PAUSE: Duration = Duration::from_millis(250);

/// Opens a connection and makes it ready.
pub(crate) type Connect<C> = dyn Fn() -> Result<C, ConnectionError> + Send + Sync;

/// A connection, as the pool sees it.
pub(crate) trait Session: Send + 'static {
    /// Asks the other end whether it is there.
    fn ping(&mut self) -> QueryResult<()>;

    /// Whether the connection is known to be of no more use.
    fn is_broken(&mut self) -> bool;

    /// Fails if the other end has already ended the session, as far as that can be known without asking it.
    fn notice_end(&mut self) -> QueryResult<()>;

    /// Has the statement that comes next end by then.
    fn set_deadline(&mut self, deadline: Instant) -> QueryResult<()>;
}

/// A pool of connections to one database.
pub(crate) struct Pool<C: Session> {
    inner: r2d2::Pool<Manager<C>>,
    suspicion: Arc<Suspicion>,
}

impl<C: Session> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), suspicion: Arc::clone(&self.suspicion) }
    }
}

/// When a statement is run once more, on a fresh connection, after its own was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Always: it reads, or it writes such that twice is as good as once.
    Always,
    /// Only when the server has said that it was not carried out. It must not be twice.
    IfNotExecuted,
}

/// A failed use of a connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UseError {
    /// There was none to be had in time.
    #[error("no connection to the database")]
    NoConnection(#[from] r2d2::Error),
    /// There was one only after the deadline.
    #[error("the call was given up before it reached the database")]
    TooLate,
    /// The statement failed.
    #[error(transparent)]
    Statement(#[from] diesel::result::Error),
}

impl<C: Session> Pool<C> {
    /// A pool of at most `max_size` connections. None is opened before it is needed.
    pub(crate) fn new(max_size: u32, connect: Box<Connect<C>>) -> Self {
        let suspicion = Arc::new(Suspicion::new());
        let manager = Manager { connect, suspicion: Arc::clone(&suspicion) };
        let inner = r2d2::Pool::builder()
            .max_size(max_size)
            .min_idle(Some(0))
            .idle_timeout(Some(IDLE_TIMEOUT))
            .test_on_check_out(true)
            // Each use brings its own timeout. Of this one, r2d2 makes pauses of up to the half.
            .connection_timeout(MAX_RECONNECT_PAUSE * 2)
            .error_handler(Box::new(LogError))
            .build_unchecked(manager);
        Self { inner, suspicion }
    }

    /// Runs a statement on a connection, waiting for one until the deadline. It is not begun later than that.
    pub(crate) fn run<T>(
        &self,
        deadline: Instant,
        repeat: Repeat,
        statement: impl Fn(&mut C) -> QueryResult<T>,
    ) -> (Result<T, RepositoryError>, Outcome) {
        let result = match self.run_once(deadline, &statement) {
            Err(UseError::Statement(error))
                if is_lost_connection(&error) && repeat == Repeat::Always
                    || was_not_executed(&error) =>
            {
                tracing::debug!(%error, "running the statement again, on another connection");
                self.run_once(deadline, &statement)
            }
            result => result,
        };
        let outcome = match &result {
            Err(UseError::NoConnection(_) | UseError::TooLate) => Outcome::NotStarted,
            Err(UseError::Statement(error)) if is_canceled(error) => Outcome::MissedDeadline,
            _ if Instant::now() >= deadline => Outcome::MissedDeadline,
            _ => Outcome::InTime,
        };
        (result.map_err(RepositoryError::from), outcome)
    }

    fn run_once<T>(
        &self,
        deadline: Instant,
        statement: impl Fn(&mut C) -> QueryResult<T>,
    ) -> Result<T, UseError> {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let mut connection = self.inner.get_timeout(timeout)?;
        let warm = &mut *connection;
        if Instant::now() >= deadline {
            return Err(UseError::TooLate);
        }
        let result =
            warm.session.set_deadline(deadline).and_then(|()| statement(&mut warm.session));
        warm.last_used = Instant::now();
        // Its thread was given up: what replaced it has a connection of its own.
        warm.is_broken |= warm.last_used > deadline + GIVE_UP_AFTER;
        if let Err(error) = &result {
            warm.is_broken |= !is_expected_outcome(error);
            if is_lost_connection(error) || was_not_executed(error) {
                self.suspicion.raise();
            }
        }
        Ok(result?)
    }
}

/// A connection, and what is known of its health.
pub(crate) struct Warm<C> {
    session: C,
    last_used: Instant,
    is_broken: bool,
}

/// The moment up to which idle connections may have died together.
struct Suspicion {
    origin: Instant,
    until_micros: AtomicU64,
}

impl Suspicion {
    fn new() -> Self {
        Self { origin: Instant::now(), until_micros: AtomicU64::new(0) }
    }

    /// Whatever was idle until now may be dead.
    fn raise(&self) {
        self.until_micros.fetch_max(self.micros(Instant::now()), Ordering::Relaxed);
    }

    fn concerns(&self, last_used: Instant) -> bool {
        self.micros(last_used) <= self.until_micros.load(Ordering::Relaxed)
    }

    fn micros(&self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.origin);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}

/// Opens, checks and gives up connections, on r2d2's behalf.
pub(crate) struct Manager<C> {
    connect: Box<Connect<C>>,
    suspicion: Arc<Suspicion>,
}

impl<C: Session> ManageConnection for Manager<C> {
    type Connection = Warm<C>;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Warm<C>, Self::Error> {
        let session = (self.connect)().map_err(diesel::r2d2::Error::ConnectionError)?;
        Ok(Warm { session, last_used: Instant::now(), is_broken: false })
    }

    fn is_valid(&self, warm: &mut Warm<C>) -> Result<(), Self::Error> {
        let idle = warm.last_used.elapsed();
        if idle > IN_USE {
            warm.session.notice_end().map_err(diesel::r2d2::Error::QueryError)?;
        }
        if idle <= BYPASS_WINDOW && !self.suspicion.concerns(warm.last_used) {
            return Ok(());
        }
        warm.session.ping().map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, warm: &mut Warm<C>) -> bool {
        warm.is_broken || std::thread::panicking() || warm.session.is_broken()
    }
}

/// Logs why a connection could not be opened or was found dead. Callers are told by their own errors.
#[derive(Debug)]
struct LogError;

impl HandleError<diesel::r2d2::Error> for LogError {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        tracing::warn!(error = %crate::error::one_line(&error.to_string()), "lost or refused by the database");
    }
}
