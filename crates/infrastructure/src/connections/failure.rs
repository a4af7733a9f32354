//! Classifies the errors of the databases.

use diesel::result::{DatabaseErrorKind, Error};
use todo_domain::RepositoryError;

/// Parts of the messages by which Postgres, its poolers and SQLite report transient errors. Diesel exposes no SQLSTATE,
/// and has no error kind for these. If the messages of Postgres are in another language, these errors are not recognized
/// and become internal errors instead of 503s.
const TRANSIENT_ERRORS: [&str; 19] = [
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
    // Citus, about a connection from the coordinator to a worker
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

/// Whether the error is a normal outcome of a statement, and says nothing about the connection.
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

/// Whether the error reports that a connection was lost. That need not be our connection: if Postgres itself queries
/// other servers, as with Citus, it may be one between them.
pub(crate) fn reports_lost_connection(error: &Error) -> bool {
    match error {
        Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
        | Error::BrokenTransactionManager => true,
        Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            // Messages of libpq, and the server's last message before it closes a session.
            let message = information.message();
            message.contains("server closed the connection")
                || message.contains("terminating connection")
                || message.contains("no connection to the server")
                || message.contains("connection to the remote node")
        }
        _ => false,
    }
}

/// Whether the session was terminated by an administrator, as serverless databases do when they suspend. The server
/// sends this instead of executing the statement, or after rolling it back.
pub(crate) fn was_terminated_by_administrator(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, information)
        if information.message().contains("terminating connection due to administrator command"))
}

/// Whether the schema has changed such that a prepared statement returns other types. It was not executed.
pub(crate) fn is_statement_outdated(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, information)
        if information.message().contains("cached plan must not change result type"))
}

/// Whether the prepared statement is missing in the session, or another one has its name: a pooler shares the session.
/// The statement was not executed.
pub(crate) fn is_statement_lost(error: &Error) -> bool {
    let Error::DatabaseError(_, information) = error else { return false };
    let message = information.message();
    message.starts_with("bind message supplies")
        || (message.starts_with("prepared statement \"")
            && (message.ends_with("does not exist") || message.ends_with("already exists")))
}

/// A statement on SQLite was interrupted at its deadline. (On Postgres the server reports that.)
#[derive(Debug, thiserror::Error)]
#[error("the statement was canceled at its deadline")]
pub(crate) struct DeadlinePassed;

/// Whether Postgres received a write only after its deadline, and so did not execute it: each write then fails with a
/// division by zero.
pub(crate) fn missed_deadline(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, information) if information.message() == "division by zero")
}

/// Whether the statement was canceled at its deadline.
pub(crate) fn is_canceled(error: &Error) -> bool {
    match error {
        Error::QueryBuilderError(error) => error.is::<DeadlinePassed>(),
        Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            information.message().contains("canceling statement due to statement timeout")
        }
        _ => false,
    }
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// No connection was available before the deadline.
    #[error("no connection to the database")]
    NoConnection(#[from] r2d2::Error),
    /// The deadline passed before the statement could start.
    #[error("the call expired before it reached the database")]
    Expired,
    /// The statement failed.
    #[error(transparent)]
    Statement(diesel::result::Error),
    /// The connection was lost during the statement.
    #[error(transparent)]
    ConnectionLost(diesel::result::Error),
}

impl From<CallError> for RepositoryError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoConnection(_) | CallError::Expired | CallError::ConnectionLost(_) => {
                Self::unavailable(error)
            }
            CallError::Statement(error) => from_diesel(error),
        }
    }
}

/// Maps the error of a statement to `Unavailable` if it is transient, else to `Internal`.
pub(crate) fn from_diesel(error: Error) -> RepositoryError {
    let is_transient = reports_lost_connection(&error)
        || missed_deadline(&error)
        || is_canceled(&error)
        || match &error {
            Error::DatabaseError(
                // For example, the server has been demoted to a replica.
                DatabaseErrorKind::ReadOnlyTransaction | DatabaseErrorKind::SerializationFailure,
                _,
            ) => true,
            Error::DatabaseError(DatabaseErrorKind::Unknown, information) => {
                let message = information.message();
                TRANSIENT_ERRORS.iter().any(|text| message.contains(text))
            }
            _ => false,
        };
    if is_transient {
        RepositoryError::unavailable(error)
    } else {
        RepositoryError::internal(error)
    }
}
