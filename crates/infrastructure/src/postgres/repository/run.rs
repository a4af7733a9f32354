//! Runs calls on the worker threads.

use std::time::Instant;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{RepositoryError, UserId};

use super::PostgresTodoRepository;
use crate::connections::RetryPolicy;
use crate::postgres::calls::Call;
use crate::postgres::session::PgSession;
use crate::postgres::ticked::Attempt;
use crate::workers::{JobKind, ReplyTo, Task};

impl PostgresTodoRepository {
    /// Runs a statement on a worker thread, and never in a batch.
    pub(super) async fn run<T, F>(
        &self,
        user: UserId,
        kind: JobKind,
        retry: RetryPolicy,
        statement: F,
    ) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut PgSession, Instant) -> QueryResult<T> + Send + 'static,
    {
        let timeout = if kind == JobKind::Bulk { self.bulk_timeout } else { self.timeout };
        let task = |reply_to| Call::Single(self.task(user, kind, retry, reply_to, statement));
        self.workers.call(timeout, task).await
    }

    pub(super) fn task<T, F>(
        &self,
        user: UserId,
        kind: JobKind,
        retry: RetryPolicy,
        reply_to: ReplyTo<T>,
        statement: F,
    ) -> Task
    where
        T: Send + 'static,
        F: Fn(&mut PgSession, Instant) -> QueryResult<T> + Send + 'static,
    {
        let pool = self.pool.clone();
        Task::new(user, kind, reply_to, move |deadline| {
            pool.run(deadline, retry, |session| {
                session.run_with_timeout(kind, deadline, |session| statement(session, deadline))
            })
        })
    }

    /// Runs a write on a worker thread.
    pub(super) async fn write<T, F>(
        &self,
        user: UserId,
        kind: JobKind,
        now: DateTime<Utc>,
        write: F,
    ) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut PgConnection, Attempt) -> QueryResult<Option<T>> + Send + 'static,
    {
        let write =
            move |session: &mut PgSession, deadline| session.write(user, now, deadline, &write);
        self.run(user, kind, RetryPolicy::IfNotExecuted, write).await
    }

    /// Runs a query on a worker thread.
    pub(super) async fn read<T, F>(&self, user: UserId, query: F) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: Fn(&mut PgConnection) -> QueryResult<T> + Send + 'static,
    {
        let query = move |session: &mut PgSession, _| query(&mut session.connection);
        self.run(user, JobKind::Read, RetryPolicy::Always, query).await
    }
}
