//! What the databases' errors mean to the domain.

use diesel::result::{DatabaseErrorKind, Error};
use todo_domain::RepositoryError;

use crate::pool::UseError;
use crate::postgres::was_too_late;
use crate::sqlite::DeadlinePassed;

/// Texts by which Postgres, its poolers and SQLite say that it is not the statement that is wrong, but the
/// moment. Diesel passes on no SQLSTATE, and these have no kind of their own. A Postgres that speaks another
/// language is told apart only by the kinds; its refusals then are internal errors rather than 503s.
const PASSING_TROUBLE: [&str; 17] = [
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

/// Whether an error says that the connection is gone, with whatever it was doing.
pub(crate) fn is_lost_connection(error: &Error) -> bool {
    match error {
        Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
        | Error::BrokenTransactionManager => true,
        Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            // What libpq itself says, and the server's last words.
            let message = information.message();
            message.contains("server closed the connection")
                || message.contains("terminating connection")
                || message.contains("no connection to the server")
        }
        _ => false,
    }
}

/// Whether the server has said that it did not carry a statement out, or that it rolled it back: the connection was
/// ended by an administrator, as serverless databases do when they go to sleep, or the server's clock was set forward,
/// so that the deadline seemed to have passed.
pub(crate) fn was_not_executed(error: &Error) -> bool {
    was_too_late(error)
        || matches!(error, Error::DatabaseError(_, information)
            if information.message().contains("terminating connection due to administrator command"))
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

impl From<UseError> for RepositoryError {
    fn from(error: UseError) -> Self {
        match error {
            UseError::NoConnection(_) | UseError::TooLate => Self::unavailable(error),
            UseError::Statement(error) => from_diesel(error),
        }
    }
}

/// Sorts a failed statement into "try again later" and "must not happen".
pub(crate) fn from_diesel(error: Error) -> RepositoryError {
    let passing = is_lost_connection(&error)
        || was_not_executed(&error)
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

/// A message of libpq on one line, as logs and terminals want it.
pub(crate) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
