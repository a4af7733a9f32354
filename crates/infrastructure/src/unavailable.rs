//! Why a call failed with [`RepositoryError::Unavailable`](todo_domain::RepositoryError::Unavailable), in a word.

use std::error::Error;

use diesel::result::ConnectionError;

use crate::connections::{
    CallError, DeadlinePassed, is_canceled, missed_deadline, reports_lost_connection,
};
use crate::sqlite::FileProblem;
use crate::workers::{NoReply, QueueFull};

const QUEUE_FULL: &str = "queue_full";
const QUEUE_TIMEOUT: &str = "queue_timeout";
const NO_ANSWER: &str = "no_answer";
const STATEMENT_TIMEOUT: &str = "statement_timeout";
const NO_CONNECTION: &str = "no_connection";
const CONNECTION_LOST: &str = "connection_lost";
const DATABASE_ERROR: &str = "database_error";
const DATABASE_FILE: &str = "database_file";

/// What [`unavailable_cause`] returns.
pub const UNAVAILABLE_CAUSES: [&str; 8] = [
    QUEUE_FULL,
    QUEUE_TIMEOUT,
    NO_ANSWER,
    STATEMENT_TIMEOUT,
    NO_CONNECTION,
    CONNECTION_LOST,
    DATABASE_ERROR,
    DATABASE_FILE,
];

/// The cause of the error, as a label of metrics. `None` if it is not from a database.
#[must_use]
pub fn unavailable_cause(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<NoReply>() {
        return Some(match error {
            NoReply::DeadlinePassed => NO_ANSWER,
            NoReply::Dropped => QUEUE_TIMEOUT,
        });
    }
    if let Some(error) = error.downcast_ref::<CallError>() {
        return Some(match error {
            CallError::NoConnection(_) => NO_CONNECTION,
            CallError::Expired => QUEUE_TIMEOUT,
            CallError::Statement(error) => of_statement(error),
            CallError::ConnectionLost(_) => CONNECTION_LOST,
        });
    }
    if let Some(error) = error.downcast_ref::<diesel::result::Error>() {
        return Some(of_statement(error));
    }
    let causes = [
        (error.is::<QueueFull>(), QUEUE_FULL),
        (error.is::<DeadlinePassed>(), STATEMENT_TIMEOUT),
        (error.is::<ConnectionError>(), NO_CONNECTION),
        (error.is::<FileProblem>(), DATABASE_FILE),
    ];
    causes.into_iter().find_map(|(is_cause, cause)| is_cause.then_some(cause))
}

fn of_statement(error: &diesel::result::Error) -> &'static str {
    if is_canceled(error) || missed_deadline(error) {
        STATEMENT_TIMEOUT
    } else if reports_lost_connection(error) {
        CONNECTION_LOST
    } else {
        DATABASE_ERROR
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use diesel::result::{DatabaseErrorKind, Error as DieselError};
    use todo_domain::RepositoryError;

    use super::*;
    use crate::connections::from_diesel;

    fn database_error(message: &str) -> DieselError {
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()))
    }

    fn cause(error: RepositoryError) -> Option<&'static str> {
        let RepositoryError::Unavailable(source) = error else { panic!("{error:?}") };
        unavailable_cause(&*source)
    }

    #[test]
    fn every_cause_is_told_apart() {
        let canceled = "canceling statement due to statement timeout";
        let causes = [
            cause(RepositoryError::unavailable(QueueFull)),
            cause(CallError::Expired.into()),
            cause(RepositoryError::unavailable(NoReply::DeadlinePassed)),
            cause(CallError::Statement(database_error(canceled)).into()),
            cause(RepositoryError::unavailable(ConnectionError::BadConnection(String::new()))),
            cause(CallError::ConnectionLost(database_error("")).into()),
            cause(from_diesel(database_error("database is locked"))),
            cause(RepositoryError::unavailable(FileProblem::Missing(PathBuf::new()))),
        ];
        assert_eq!(causes, UNAVAILABLE_CAUSES.map(Some));
        assert_eq!(cause(RepositoryError::unavailable(NoReply::Dropped)), Some(QUEUE_TIMEOUT));
        assert_eq!(cause(RepositoryError::unavailable(DeadlinePassed)), Some(STATEMENT_TIMEOUT));
        assert_eq!(cause(RepositoryError::unavailable("anything else")), None);
    }
}
