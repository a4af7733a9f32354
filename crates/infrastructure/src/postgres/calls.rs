//! Batching: calls that wait at the same time share a statement.
//!
//! Most of the cost of a statement is the same for one row as for many: the round trip, waking two processes, a
//! snapshot. So a thread that takes a call from the queue also takes others of its kind, if it creates a todo, or reads
//! a todo or a first page.

use std::collections::HashMap;
use std::time::Instant;

use chrono::{DateTime, Utc};
use diesel::result::QueryResult;
use todo_domain::{
    InsertOutcome, Listed, PageQuery, RepositoryError, SortKey, Todo, TodoFilter, UserId,
};

use super::session::PgSession;
use super::statements::{self, Find, Insert, List};
use crate::connections::{Pool, RetryPolicy};
use crate::workers::{Job, JobKind, Outcome, ReplyTo, Task, catch_panics};

/// The maximum number of calls in a batch. Twice as many would save little more, and delay each other longer.
pub(super) const MAX_BATCH: usize = 8;

/// The name of the DBMS in metrics and traces.
pub(super) const SYSTEM: &str = "postgresql";

/// The names of the kinds of jobs in metrics and traces. The lookups are those of one todo, a first page or a clock.
pub(super) const OPERATIONS: [&str; JobKind::COUNT] = ["lookup", "read", "write", "bulk"];

/// Larger pages are not batched, so that the result of a statement stays small.
const MAX_BATCHED_PAGE: u32 = 101;

/// A call of the repository port, in the queue.
pub(super) enum Call {
    Insert(Pending<Insert, InsertOutcome>),
    Find(Pending<Find, Option<Todo>>),
    List(Pending<List, Listed>),
    ChangedAt(Pending<UserId, Option<DateTime<Utc>>>),
    /// A call that is never batched.
    Single(Task),
}

/// A request, and the channel for its reply.
pub(super) struct Pending<R, T> {
    pub(super) request: R,
    pub(super) reply_to: ReplyTo<T>,
}

impl Job for Call {
    fn user(&self) -> UserId {
        match self {
            Self::Insert(call) => call.request.user,
            Self::Find(call) => call.request.0,
            Self::List(call) => call.request.0,
            Self::ChangedAt(call) => call.request,
            Self::Single(task) => task.user(),
        }
    }

    fn kind(&self) -> JobKind {
        match self {
            Self::Insert(_) => JobKind::Write,
            Self::Find(_) | Self::ChangedAt(_) => JobKind::Lookup,
            Self::List(call) if is_small_first_page(&call.request.1) => JobKind::Lookup,
            Self::List(_) => JobKind::Read,
            Self::Single(task) => task.kind(),
        }
    }

    fn deadline(&self) -> Instant {
        match self {
            Self::Insert(call) => call.reply_to.deadline(),
            Self::Find(call) => call.reply_to.deadline(),
            Self::List(call) => call.reply_to.deadline(),
            Self::ChangedAt(call) => call.reply_to.deadline(),
            Self::Single(task) => task.deadline(),
        }
    }

    fn can_batch_with(&self, first: &Self) -> bool {
        match (self, first) {
            (Self::Find(_), Self::Find(_)) | (Self::ChangedAt(_), Self::ChangedAt(_)) => true,
            (Self::Insert(one), Self::Insert(other)) => {
                one.request.quota.is_none() && other.request.quota.is_none()
            }
            (Self::List(one), Self::List(other)) => {
                is_small_first_page(&one.request.1) && one.request.1 == other.request.1
            }
            _ => false,
        }
    }
}

/// Whether the page is small, the first one, and read from one index.
fn is_small_first_page(page: &PageQuery) -> bool {
    // By due time, a page may have two parts.
    let is_one_part = page.sort.key != SortKey::Due;
    let is_small = page.limit <= MAX_BATCHED_PAGE && page.after.is_none();
    is_small && page.filter.ids.is_empty() && is_one_part && reads_no_other_rows(page)
}

/// Whether an index has the rows of the page in their order, without others between them.
fn reads_no_other_rows(PageQuery { filter, sort, .. }: &PageQuery) -> bool {
    let is_by_time = matches!(sort.key, SortKey::CreatedAt | SortKey::UpdatedAt);
    let has_index = filter.is_completed.is_none() || is_by_time;
    // However many ids are given, they are few.
    let others = TodoFilter { is_completed: None, ids: Vec::new(), ..filter.clone() };
    has_index && others.is_everything()
}

/// Runs a batch of calls, and replies to each.
pub(super) fn run_batch(pool: &Pool<PgSession>, calls: Vec<Call>) -> Outcome {
    let (mut inserts, mut finds, mut lists, mut clocks) =
        <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    for call in calls {
        match call {
            Call::Insert(call) => inserts.push(call),
            Call::Find(call) => finds.push(call),
            Call::List(call) => lists.push(call),
            Call::ChangedAt(call) => clocks.push(call),
            Call::Single(task) => return task.run(),
        }
    }
    if !inserts.is_empty() {
        return run_one_kind(pool, inserts, insert, insert_all);
    }
    if !finds.is_empty() {
        return run_one_kind(pool, finds, find, find_all);
    }
    if !clocks.is_empty() {
        return run_one_kind(pool, clocks, changed_at, changed_at_all);
    }
    run_one_kind(pool, lists, list, list_all)
}

/// Runs calls of one kind as one statement. If that fails, runs each as its own statement, so that no call fails because
/// of another.
fn run_one_kind<R, T>(
    pool: &Pool<PgSession>,
    mut calls: Vec<Pending<R, T>>,
    one: fn(&mut PgSession, &R, Instant) -> QueryResult<T>,
    all: fn(&mut PgSession, &[&R], Instant) -> QueryResult<Vec<T>>,
) -> Outcome {
    calls.retain(|call| !call.reply_to.is_expired());
    let earliest = calls.iter().map(|call| call.reply_to.deadline()).min();
    if let (Some(deadline), 2..) = (earliest, calls.len()) {
        let requests: Vec<_> = calls.iter().map(|call| &call.request).collect();
        match run(pool, deadline, |session| all(session, &requests, deadline)) {
            (Ok(results), outcome) => {
                for (call, result) in calls.into_iter().zip(results) {
                    call.reply_to.send(Ok(result));
                }
                return outcome;
            }
            (Err(error), _) => {
                tracing::debug!(%error, "a batch failed, running its calls one by one");
            }
        }
    }
    let mut worst = Outcome::NotStarted;
    for Pending { request, reply_to } in calls {
        if !reply_to.is_expired() {
            let deadline = reply_to.deadline();
            let (result, outcome) = run(pool, deadline, |session| one(session, &request, deadline));
            reply_to.send(result);
            worst = worst.max(outcome);
        }
    }
    worst
}

/// Runs a statement of these calls, all of which are idempotent.
fn run<T>(
    pool: &Pool<PgSession>,
    deadline: Instant,
    statement: impl Fn(&mut PgSession) -> QueryResult<T>,
) -> (Result<T, RepositoryError>, Outcome) {
    catch_panics(|| pool.run(deadline, RetryPolicy::Always, statement))
}

fn insert(session: &mut PgSession, new: &Insert, deadline: Instant) -> QueryResult<InsertOutcome> {
    let Insert { user, now, .. } = *new;
    session.write(user, now, deadline, |connection, attempt| {
        statements::insert(connection, new, attempt)
    })
}

fn insert_all(
    session: &mut PgSession,
    new: &[&Insert],
    deadline: Instant,
) -> QueryResult<Vec<InsertOutcome>> {
    let server_deadline = session.server_time(deadline);
    let outcomes = statements::insert_all(&mut session.connection, new, server_deadline)?;
    let outcomes = outcomes.into_iter().zip(new);
    outcomes
        .map(|(outcome, new)| outcome.map_or_else(|| insert(session, new, deadline), Ok))
        .collect()
}

fn changed_at(
    session: &mut PgSession,
    user: &UserId,
    deadline: Instant,
) -> QueryResult<Option<DateTime<Utc>>> {
    Ok(changed_at_all(session, &[user], deadline)?.pop().flatten())
}

fn changed_at_all(
    session: &mut PgSession,
    users: &[&UserId],
    _: Instant,
) -> QueryResult<Vec<Option<DateTime<Utc>>>> {
    let users: Vec<UserId> = users.iter().map(|user| **user).collect();
    let times: HashMap<_, _> =
        statements::changed_at_of(&mut session.connection, &users)?.into_iter().collect();
    Ok(users.iter().map(|user| times.get(user).copied()).collect())
}

fn find(session: &mut PgSession, request: &Find, _: Instant) -> QueryResult<Option<Todo>> {
    statements::find(&mut session.connection, request)
}

fn find_all(
    session: &mut PgSession,
    requests: &[&Find],
    _: Instant,
) -> QueryResult<Vec<Option<Todo>>> {
    statements::find_all(&mut session.connection, requests)
}

fn list(session: &mut PgSession, request: &List, deadline: Instant) -> QueryResult<Listed> {
    if reads_no_other_rows(&request.1) {
        // It only reads an index range, and needs no timeout.
        return statements::list(&mut session.connection, request);
    }
    session.run_with_timeout(JobKind::Read, deadline, |session| {
        statements::list(&mut session.connection, request)
    })
}

fn list_all(session: &mut PgSession, requests: &[&List], _: Instant) -> QueryResult<Vec<Listed>> {
    statements::list_all(&mut session.connection, requests)
}

#[cfg(test)]
mod tests {
    use todo_domain::{Priority, SearchTerm, Sort, Tag, TodoId};
    use uuid::Uuid;

    use super::*;

    fn page(key: SortKey, filter: TodoFilter) -> PageQuery {
        PageQuery { filter, sort: Sort { key, descending: true }, after: None, limit: 51 }
    }

    #[test]
    fn only_first_pages_that_are_read_from_one_index_are_batched() {
        use SortKey::{CreatedAt, Due, Priority as ByPriority, Title, UpdatedAt};
        let none = TodoFilter::default;
        let completed = || TodoFilter { is_completed: Some(true), ..none() };
        for key in [CreatedAt, UpdatedAt] {
            assert!(is_small_first_page(&page(key, none())));
            assert!(is_small_first_page(&page(key, completed())));
        }
        for key in [ByPriority, Title] {
            assert!(is_small_first_page(&page(key, none())));
            assert!(!is_small_first_page(&page(key, completed())));
        }
        assert!(!is_small_first_page(&page(Due, none())));
        assert!(!is_small_first_page(&PageQuery { limit: 102, ..page(CreatedAt, none()) }));
        let now = todo_domain::DueBound::before(DateTime::UNIX_EPOCH.into());
        for filter in [
            TodoFilter { tags: vec![Tag::new("home").unwrap()], ..none() },
            TodoFilter { priorities: vec![Priority::High], ..none() },
            TodoFilter { search: SearchTerm::new("x").unwrap(), ..none() },
            TodoFilter { due_before: Some(now), ..none() },
            TodoFilter { due_after: Some(now), ..none() },
            TodoFilter { has_due: Some(true), ..none() },
        ] {
            let page = page(CreatedAt, filter);
            assert!(!is_small_first_page(&page) && !reads_no_other_rows(&page), "{page:?}");
        }
        let ids = TodoFilter { ids: vec![TodoId(Uuid::nil())], ..none() };
        assert!(!is_small_first_page(&page(CreatedAt, ids.clone())));
        assert!(reads_no_other_rows(&page(CreatedAt, ids)));
    }
}
