//! An r2d2 pool whose connections are trusted only while they are warm.
//!
//! Asking a connection whether it lives before each use costs a round trip a call; never asking means that
//! connections which died while idle (a restarted server, a serverless database that went to sleep) fail
//! their next callers. So a connection is asked when it has been idle for longer than
//! [`BYPASS_WINDOW`], or when another connection was found dead since its last use. What has arrived unasked is
//! read before each use that does not follow the last at once, for that costs no round trip: a server that ended
//! the session has said so. And a connection is given up after any error that is not an expected outcome of a
//! statement, unless the error tells of another connection: whether its own is lost, it is asked itself, for Diesel does
//! not always notice that.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::result::{ConnectionError, QueryResult};
use r2d2::{HandleError, ManageConnection};
use todo_domain::RepositoryError;

use super::failure::{
    UseError, is_canceled, is_expected_outcome, is_statement_lost, is_statement_outdated,
    tells_of_lost_connection, was_ended_by_administrator, was_too_late,
};
use crate::message::one_line;
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

    /// Has sessions that are opened from now on keep no statements prepared. Says whether that may be.
    fn stop_keeping_statements(&self) -> bool;
}

/// A pool of connections to one database.
pub(crate) struct Pool<C: Session> {
    inner: r2d2::Pool<Manager<C>>,
    suspicion: Arc<Suspicion>,
    outdated: Arc<Suspicion>,
}

impl<C: Session> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            suspicion: Arc::clone(&self.suspicion),
            outdated: Arc::clone(&self.outdated),
        }
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

impl<C: Session> Pool<C> {
    /// A pool of at most `max_size` connections. None is opened before it is needed.
    pub(crate) fn new(max_size: u32, connect: Box<Connect<C>>) -> Self {
        let suspicion = Arc::new(Suspicion::new());
        let outdated = Arc::new(Suspicion::new());
        let manager =
            Manager { connect, suspicion: Arc::clone(&suspicion), outdated: Arc::clone(&outdated) };
        let inner = r2d2::Pool::builder()
            .max_size(max_size)
            .min_idle(Some(0))
            .idle_timeout(Some(IDLE_TIMEOUT))
            .test_on_check_out(true)
            // Each use brings its own timeout. Of this one, r2d2 makes pauses of up to the half.
            .connection_timeout(MAX_RECONNECT_PAUSE * 2)
            .error_handler(Box::new(LogError))
            .build_unchecked(manager);
        Self { inner, suspicion, outdated }
    }

    /// Runs a statement on a connection, waiting for one until the deadline. It is not begun later than that.
    pub(crate) fn run<T>(
        &self,
        deadline: Instant,
        repeat: Repeat,
        statement: impl Fn(&mut C) -> QueryResult<T>,
    ) -> (Result<T, RepositoryError>, Outcome) {
        let result = match self.run_once(deadline, repeat, &statement) {
            Err(Failure { error, is_to_be_repeated: true }) => {
                tracing::debug!(%error, "running the statement again, on another connection");
                self.run_once(deadline, repeat, &statement)
            }
            result => result,
        };
        let result = result.map_err(|failure| failure.error);
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
        repeat: Repeat,
        statement: impl Fn(&mut C) -> QueryResult<T>,
    ) -> Result<T, Failure> {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let mut connection = self.inner.get_timeout(timeout).map_err(UseError::NoConnection)?;
        let warm = &mut *connection;
        if Instant::now() >= deadline {
            return Err(UseError::TooLate.into());
        }
        let result =
            warm.session.set_deadline(deadline).and_then(|()| statement(&mut warm.session));
        warm.last_used = Instant::now();
        // Its thread was given up: what replaced it has a connection of its own.
        warm.is_broken |= warm.last_used > deadline + GIVE_UP_AFTER;
        result.map_err(|error| self.judge(error, warm, repeat))
    }

    /// What the failure of a statement means for its connection, for the others, and for the call.
    fn judge(&self, error: diesel::result::Error, warm: &mut Warm<C>, repeat: Repeat) -> Failure {
        // The error may tell of a connection of the server's own. This asks libpq for the state of ours.
        if warm.session.notice_end().is_err() {
            warm.is_broken = true;
            self.suspicion.raise();
            let is_to_be_repeated = repeat == Repeat::Always || was_ended_by_administrator(&error);
            return Failure { error: UseError::Lost(error), is_to_be_repeated };
        }
        warm.is_broken |= !is_expected_outcome(&error) && !tells_of_lost_connection(&error);
        let is_useless = is_statement_outdated(&error)
            || (is_statement_lost(&error) && warm.session.stop_keeping_statements());
        if is_useless && !self.outdated.concerns(warm.opened) {
            self.outdated.raise();
        }
        if was_too_late(&error) {
            self.suspicion.raise();
        }
        let is_to_be_repeated = is_useless || was_too_late(&error);
        Failure { error: UseError::Statement(error), is_to_be_repeated }
    }
}

/// A failed use of a connection, and whether another may succeed.
struct Failure {
    error: UseError,
    is_to_be_repeated: bool,
}

impl From<UseError> for Failure {
    fn from(error: UseError) -> Self {
        Self { error, is_to_be_repeated: false }
    }
}

/// A connection, and what is known of its health.
pub(crate) struct Warm<C> {
    session: C,
    /// Just before it was.
    opened: Instant,
    last_used: Instant,
    is_broken: bool,
}

/// The moment up to which connections that were idle may have died together, or those that were opened are outdated.
struct Suspicion {
    origin: Instant,
    until_micros: AtomicU64,
}

impl Suspicion {
    fn new() -> Self {
        Self { origin: Instant::now(), until_micros: AtomicU64::new(0) }
    }

    /// It is now.
    fn raise(&self) {
        self.until_micros.fetch_max(self.micros(Instant::now()), Ordering::Relaxed);
    }

    fn concerns(&self, moment: Instant) -> bool {
        self.micros(moment) <= self.until_micros.load(Ordering::Relaxed)
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
    /// Concerns connections whose prepared statements are of no use any more.
    outdated: Arc<Suspicion>,
}

impl<C: Session> ManageConnection for Manager<C> {
    type Connection = Warm<C>;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Warm<C>, Self::Error> {
        let opened = Instant::now();
        let session = (self.connect)().map_err(diesel::r2d2::Error::ConnectionError)?;
        Ok(Warm { session, opened, last_used: Instant::now(), is_broken: false })
    }

    fn is_valid(&self, warm: &mut Warm<C>) -> Result<(), Self::Error> {
        if self.outdated.concerns(warm.opened) {
            let outdated = "what is prepared on the connection is out of date".to_owned();
            return Err(diesel::r2d2::Error::ConnectionError(ConnectionError::BadConnection(
                outdated,
            )));
        }
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
        warm.is_broken
            || std::thread::panicking()
            || warm.session.is_broken()
            || self.outdated.concerns(warm.opened)
    }
}

/// Logs why a connection could not be opened or was found dead. Callers are told by their own errors.
#[derive(Debug)]
struct LogError;

impl HandleError<diesel::r2d2::Error> for LogError {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        tracing::warn!(error = %one_line(&error.to_string()), "lost or refused by the database");
    }
}
