//! Batching: calls that wait at the same time share a statement.
//!
//! Of what a statement costs, most is the same for one row as for many: the way to Postgres and back, two processes
//! woken, a snapshot. So a thread takes from the queue a call and, if it creates a todo, or reads a todo or a first
//! page, others of its kind.

use std::time::Instant;

use diesel::result::QueryResult;
use todo_domain::{PageQuery, RepositoryError, Todo, UserId};

use super::session::PgSession;
use super::statements::{self, Find, Insert, List};
use crate::connections::{Pool, Repeat};
use crate::workers::{Class, Job, Outcome, ReplyTo, Task, catching_panics};

/// The most calls in a batch. Twice as many would save little more, and wait longer for each other.
pub(super) const MAX_BATCH: usize = 8;

/// A page of more todos is read by itself, so that what is read at once stays small.
const MAX_SHARED_PAGE: u32 = 101;

/// A call of the port.
pub(super) enum Call {
    Insert(Waiting<Insert, Todo>),
    Find(Waiting<Find, Option<Todo>>),
    List(Waiting<List, Vec<Todo>>),
    /// One that is never batched.
    Single(Task),
}

/// What is wanted, and who waits for it.
pub(super) struct Waiting<W, T> {
    pub(super) wanted: W,
    pub(super) reply_to: ReplyTo<T>,
}

impl Job for Call {
    fn user(&self) -> UserId {
        match self {
            Self::Insert(call) => call.wanted.0,
            Self::Find(call) => call.wanted.0,
            Self::List(call) => call.wanted.0,
            Self::Single(task) => task.user(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Insert(_) => Class::Write,
            Self::Find(_) => Class::Lookup,
            Self::List(call) if is_small(&call.wanted.1) => Class::Lookup,
            Self::List(_) => Class::Read,
            Self::Single(task) => task.class(),
        }
    }

    fn deadline(&self) -> Instant {
        match self {
            Self::Insert(call) => call.reply_to.deadline(),
            Self::Find(call) => call.reply_to.deadline(),
            Self::List(call) => call.reply_to.deadline(),
            Self::Single(task) => task.deadline(),
        }
    }

    fn can_join(&self, first: &Self) -> bool {
        match (self, first) {
            (Self::Insert(_), Self::Insert(_)) | (Self::Find(_), Self::Find(_)) => true,
            (Self::List(one), Self::List(other)) => {
                is_small(&one.wanted.1) && one.wanted.1 == other.wanted.1
            }
            _ => false,
        }
    }
}

/// Whether it is a small page from the start of a list, as many users want it.
fn is_small(page: &PageQuery) -> bool {
    page.limit <= MAX_SHARED_PAGE
        && page.after.is_none()
        && page.filter.search.is_none()
        && page.filter.ids.is_empty()
}

/// Answers a batch of calls.
pub(super) fn answer(pool: &Pool<PgSession>, calls: Vec<Call>) -> Outcome {
    let (mut inserts, mut finds, mut lists) = (Vec::new(), Vec::new(), Vec::new());
    for call in calls {
        match call {
            Call::Insert(call) => inserts.push(call),
            Call::Find(call) => finds.push(call),
            Call::List(call) => lists.push(call),
            Call::Single(task) => return task.run(),
        }
    }
    if !inserts.is_empty() {
        return answer_batch(pool, inserts, insert, insert_all);
    }
    if !finds.is_empty() {
        return answer_batch(pool, finds, find, find_all);
    }
    answer_batch(pool, lists, list, list_all)
}

/// Answers calls of one kind by one statement or, if that fails, each by its own, so that no call fails for
/// another's sake.
fn answer_batch<W, T>(
    pool: &Pool<PgSession>,
    mut calls: Vec<Waiting<W, T>>,
    one: fn(&mut PgSession, &W, Instant) -> QueryResult<T>,
    all: fn(&mut PgSession, &[&W], Instant) -> QueryResult<Vec<T>>,
) -> Outcome {
    calls.retain(|call| !call.reply_to.is_expired());
    let earliest = calls.iter().map(|call| call.reply_to.deadline()).min();
    if let (Some(deadline), 2..) = (earliest, calls.len()) {
        let wanted: Vec<_> = calls.iter().map(|call| &call.wanted).collect();
        match run(pool, deadline, |session| all(session, &wanted, deadline)) {
            (Ok(results), outcome) => {
                for (call, result) in calls.into_iter().zip(results) {
                    call.reply_to.send(Ok(result));
                }
                return outcome;
            }
            (Err(error), _) => {
                tracing::debug!(%error, "a batch failed, each call gets a statement of its own");
            }
        }
    }
    let mut worst = Outcome::NotStarted;
    for Waiting { wanted, reply_to } in calls {
        if !reply_to.is_expired() {
            let deadline = reply_to.deadline();
            let (result, outcome) = run(pool, deadline, |session| one(session, &wanted, deadline));
            reply_to.send(result);
            worst = worst.max(outcome);
        }
    }
    worst
}

/// All of these may be run twice.
fn run<T>(
    pool: &Pool<PgSession>,
    deadline: Instant,
    statement: impl Fn(&mut PgSession) -> QueryResult<T>,
) -> (Result<T, RepositoryError>, Outcome) {
    catching_panics(|| pool.run(deadline, Repeat::Always, statement))
}

fn insert(session: &mut PgSession, new: &Insert, deadline: Instant) -> QueryResult<Todo> {
    let deadline = session.server_time(deadline);
    statements::insert(&mut session.connection, new, deadline)
}

fn insert_all(
    session: &mut PgSession,
    new: &[&Insert],
    deadline: Instant,
) -> QueryResult<Vec<Todo>> {
    let deadline = session.server_time(deadline);
    statements::insert_all(&mut session.connection, new, deadline)
}

fn find(session: &mut PgSession, wanted: &Find, _: Instant) -> QueryResult<Option<Todo>> {
    statements::find(&mut session.connection, wanted)
}

fn find_all(
    session: &mut PgSession,
    wanted: &[&Find],
    _: Instant,
) -> QueryResult<Vec<Option<Todo>>> {
    statements::find_all(&mut session.connection, wanted)
}

fn list(session: &mut PgSession, wanted: &List, deadline: Instant) -> QueryResult<Vec<Todo>> {
    if wanted.1.filter.search.is_none() {
        // Read by an index, it needs no limit.
        return statements::list(&mut session.connection, wanted);
    }
    session.run_limited(Class::Read, deadline, |session| {
        statements::list(&mut session.connection, wanted)
    })
}

fn list_all(session: &mut PgSession, wanted: &[&List], _: Instant) -> QueryResult<Vec<Vec<Todo>>> {
    statements::list_all(&mut session.connection, wanted)
}
