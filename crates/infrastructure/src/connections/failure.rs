//! What the databases' errors mean to the domain.

use diesel::result::{DatabaseErrorKind, Error};
use todo_domain::RepositoryError;

/// Texts by which Postgres, its poolers and SQLite say that it is not the statement that is wrong, but the
/// moment. Diesel passes on no SQLSTATE, and these have no kind of their own. A Postgres that speaks another
/// language is told apart only by the kinds; its refusals then are internal errors rather than 503s.
const PASSING_TROUBLE: [&str; 19] = [
    // Postgres
    "terminating connection",
    "canceling statement due to",
    "the database system is",
    "too many clients",
    "too many connections",
    "remaining connection slots are reserved",
    "deadlock detected",
    "No space left on device",
    "out of shared memory",
    // Citus, of a server behind the one that was asked
    "connection to the remote node",
    "could not establish any connections to the node",
    // PgBouncer
    "query_wait_timeout",
    "server_login_retry",
    "no more connections allowed",
    // SQLite
    "is locked",
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
    "attempt to write a readonly database",
];

/// Whether an error is a possible outcome of a statement on a connection that is sound.
pub(crate) fn is_expected_outcome(error: &Error) -> bool {
    matches!(
        error,
        Error::NotFound
            | Error::DatabaseError(
                DatabaseErrorKind::UniqueViolation
                    | DatabaseErrorKind::CheckViolation
                    | DatabaseErrorKind::NotNullViolation
                    | DatabaseErrorKind::ForeignKeyViolation
                    | DatabaseErrorKind::SerializationFailure,
                _
            )
    )
}

/// Whether an error tells of a connection that is gone. That need not be the one on which it came: where Postgres
/// asks other servers, as with Citus, it may be one of theirs.
pub(crate) fn tells_of_lost_connection(error: &Error) -> bool {
    match error {
        Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
        | Error::BrokenTransactionManager => true,
        Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            // What libpq itself says, and the server's last words.
            let message = information.message();
            message.contains("server closed the connection")
                || message.contains("terminating connection")
                || message.contains("no connection to the server")
                || message.contains("connection to the remote node")
        }
        _ => false,
    }
}

/// Whether a lost connection was ended by an administrator, as serverless databases do when they go to sleep. The
/// server says so instead of carrying a statement out, or after rolling it back.
pub(crate) fn was_ended_by_administrator(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, information)
        if information.message().contains("terminating connection due to administrator command"))
}

/// Whether a statement returns something else than when it was prepared: the schema was changed. It was not executed.
pub(crate) fn is_statement_outdated(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, information)
        if information.message().contains("cached plan must not change result type"))
}

/// Whether the session did not hold what was prepared, or held something else under its name. The statement was not
/// executed.
pub(crate) fn is_statement_lost(error: &Error) -> bool {
    let Error::DatabaseError(_, information) = error else { return false };
    let message = information.message();
    message.starts_with("bind message supplies")
        || (message.starts_with("prepared statement \"")
            && (message.ends_with("does not exist") || message.ends_with("already exists")))
}

/// A statement on SQLite was ended at its deadline. (On Postgres the server says so.)
#[derive(Debug, thiserror::Error)]
#[error("the statement was given up at its deadline")]
pub(crate) struct DeadlinePassed;

/// Whether Postgres read a statement only after its deadline, and so did not execute it: each statement that writes
/// divides by zero then.
pub(crate) fn was_too_late(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, information) if information.message() == "division by zero")
}

/// Whether a statement was ended at its deadline.
pub(crate) fn is_canceled(error: &Error) -> bool {
    match error {
        Error::QueryBuilderError(error) => error.is::<DeadlinePassed>(),
        Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            information.message().contains("canceling statement due to statement timeout")
        }
        _ => false,
    }
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
    Statement(diesel::result::Error),
    /// The connection was lost, with whatever it was doing.
    #[error(transparent)]
    Lost(diesel::result::Error),
}

impl From<UseError> for RepositoryError {
    fn from(error: UseError) -> Self {
        match error {
            UseError::NoConnection(_) | UseError::TooLate | UseError::Lost(_) => {
                Self::unavailable(error)
            }
            UseError::Statement(error) => from_diesel(error),
        }
    }
}

/// Sorts a failed statement into "try again later" and "must not happen".
pub(crate) fn from_diesel(error: Error) -> RepositoryError {
    let passing = tells_of_lost_connection(&error)
        || was_too_late(&error)
        || is_canceled(&error)
        || match &error {
            Error::DatabaseError(
                // A server that was demoted to a replica, for example.
                DatabaseErrorKind::ReadOnlyTransaction | DatabaseErrorKind::SerializationFailure,
                _,
            ) => true,
            Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
                let message = information.message();
                PASSING_TROUBLE.iter().any(|text| message.contains(text))
            }
            _ => false,
        };
    if passing { RepositoryError::unavailable(error) } else { RepositoryError::internal(error) }
}
